"""Buckets of S3 as sources."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import Stubber
from moto import mock_aws

from catalog.models import Image
from ingestion.models import ImportFailure
from ingestion.services import chunks, start_import, take_in
from ingestion.sources import BucketSource, bucket, recognise
from kernel.errors import AppError, TransientError, UserInputError
from tests.conftest import Broker
from tests.pictures import numbered


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, settings) -> Iterator[Any]:
    """An empty bucket "photos", in this process."""
    settings.S3_ENDPOINT_URL, settings.S3_REGION = None, "us-east-1"
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="photos")
        yield client


def put(client: Any, **files: bytes) -> None:
    for key, data in files.items():
        client.put_object(Bucket="photos", Key=key, Body=data)


def source_of(url: str) -> BucketSource:
    source = recognise(url)
    assert isinstance(source, BucketSource)
    return source


@pytest.mark.parametrize(
    ("url", "paths"),
    [
        ("s3://photos", ["1.png", "2019/Paris/2.png", "2020/3.png"]),
        ("s3://photos/2019/", ["Paris/2.png"]),
        ("s3://photos/20", ["2019/Paris/2.png", "2020/3.png"]),
        ("s3://photos/none", []),
    ],
)
def test_keys_below_a_prefix_are_paths(client: Any, url: str, paths: list[str]) -> None:
    data = {"1.png": numbered(1), "2019/Paris/2.png": numbered(2), "2020/3.png": numbered(3)}
    put(client, **data, **{"2020/": b"", "2020/.hidden.png": b"."})

    source = source_of(url)
    source.check()
    found = list(source.files(Counter()))

    assert [file.path for file in found] == paths
    assert {file.read() for file in found} <= set(data.values())


def test_more_keys_than_one_answer_lists(client: Any) -> None:
    put(client, **{f"{n:04}.png": b"." for n in range(1100)})

    assert len(list(source_of("s3://photos").files(Counter()))) == 1100


def test_what_is_no_picture_is_counted(client: Any) -> None:
    put(client, **{"a.pdf": b".", "@eaDir/a.jpg": b".", "x/.git/a.jpg": b".", "clip.mp4": b"."})
    passed_over: Counter[str] = Counter()

    assert list(source_of("s3://photos").files(passed_over)) == []
    assert passed_over == {"document .pdf": 1, "machine": 1, "hidden": 1, "video .mp4": 1}


def test_an_object_that_is_too_large_is_not_read(client: Any, settings) -> None:
    put(client, **{"a.png": b"." * 101})
    settings.UPLOAD_MAX_BYTES = 100
    [file] = source_of("s3://photos").files(Counter())

    with pytest.raises(UserInputError) as caught:
        file.read()
    assert caught.value.code == "image:user:too-large"


@pytest.mark.parametrize("url", ["s3://nobodys", "s3://", "s3://no such name"])
def test_a_bucket_that_is_not_there(client: Any, url: str) -> None:
    with pytest.raises(UserInputError) as caught:
        source_of(url).check()
    assert caught.value.code == "bucket:user:missing"


def failing(code: str, status: int) -> Any:
    """A client whose every answer is this error."""
    client = boto3.client("s3", region_name="us-east-1")
    stub = Stubber(client)
    for operation in ("list_objects_v2", "get_object"):
        stub.add_client_error(operation, code, http_status_code=status)
    stub.activate()
    return client


@pytest.mark.parametrize(
    ("code", "status", "kind", "ours"),
    [
        ("AccessDenied", 403, UserInputError, "bucket:user:denied"),
        ("InvalidAccessKeyId", 403, UserInputError, "bucket:user:denied"),
        ("InvalidObjectState", 403, UserInputError, "bucket:user:refused"),
        ("SlowDown", 503, TransientError, "bucket:transient:unavailable"),
    ],
)
@pytest.mark.usefixtures("client")
def test_what_a_bucket_refuses(
    monkeypatch: pytest.MonkeyPatch, code: str, status: int, kind: type[AppError], ours: str
) -> None:
    monkeypatch.setattr(bucket, "_client", lambda: failing(code, status))

    with pytest.raises(kind) as caught:
        source_of("s3://photos").check()
    assert caught.value.code == ours


def test_a_bucket_without_keys_to_it(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")

    with pytest.raises(UserInputError) as caught:
        source_of("s3://photos").check()
    assert caught.value.code == "bucket:user:denied"


@pytest.mark.django_db(transaction=True)
def test_a_bucket_that_goes_away_leaves_the_import_interrupted_and_what_it_has(
    client: Any, media, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "_CHUNK_S", 0)
    put(client, **{f"{n}.png": numbered(n) for n in range(3)})
    current = start_import("s3://photos")
    outcomes = take_in(current, source_of("s3://photos").files(Counter()))
    next(outcomes)

    def away(*_: object, **__: object) -> None:
        raise EndpointConnectionError(endpoint_url="s3")

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", away)
    next(outcomes)  # it was read ahead
    with pytest.raises(TransientError) as caught:
        next(outcomes)

    assert caught.value.code == "bucket:transient:unavailable"
    current.refresh_from_db()
    assert (current.state, current.added) == ("interrupted", 2)


@pytest.mark.django_db(transaction=True)
def test_an_object_that_may_not_be_read_stops_nothing(
    client: Any, media, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(client, **{"1.png": numbered(1), "2.png": numbered(2)})
    asked = client.__class__._make_api_call

    def deny_one(self: Any, operation: str, arguments: dict[str, Any]) -> Any:
        if arguments.get("Key") == "1.png" and operation == "GetObject":
            raise ClientError(
                {"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}},
                operation,
            )
        return asked(self, operation, arguments)

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", deny_one)
    list(take_in(start_import("a"), source_of("s3://photos").files(Counter())))

    assert list(Image.objects.values_list("path", "title")) == [("2.png", "2")]
    failures = ImportFailure.objects.values_list("name", "error_code")
    assert list(failures) == [("1.png", "bucket:user:denied")]
