"""Every place that can hold the files keeps the same promises.

The bucket is in this process, or on the server that S3_ENDPOINT_URL names.
"""

import os
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import boto3
import pytest
from moto import mock_aws
from pytest_django import Settings

from catalog import storage
from kernel.errors import FileMissing, TransientError


@pytest.fixture(params=["folder", "s3"])
def place(
    request: pytest.FixtureRequest,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[None]:
    if request.param == "folder":
        _use(
            settings,
            "catalog.folder_storage.FolderStorage",
            {"location": tmp_path / "media", "allow_overwrite": True},
        )
        yield
        return
    endpoint, bucket = os.environ.get("S3_ENDPOINT_URL"), f"pictures-{uuid4().hex}"
    if endpoint is None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
    with nullcontext() if endpoint else mock_aws():
        client = boto3.client("s3", region_name="us-east-1", endpoint_url=endpoint)
        client.create_bucket(Bucket=bucket)
        options = {
            "bucket_name": bucket,
            "endpoint_url": endpoint,
            "region_name": "us-east-1",
            "file_overwrite": True,
            "default_acl": None,
        }
        _use(settings, "storages.backends.s3.S3Storage", options)
        yield


def _use(settings: Settings, backend: str, options: dict[str, object]) -> None:
    settings.STORAGES = settings.STORAGES | {"default": {"BACKEND": backend, "OPTIONS": options}}


@pytest.mark.usefixtures("place")
def test_what_was_written_is_read_again_under_exactly_its_name() -> None:
    storage.write("originals/ab/abc", b"first")

    assert storage.read("originals/ab/abc") == b"first"
    assert storage.exists("originals/ab/abc")
    assert not storage.exists("originals/ab/abcd")


@pytest.mark.usefixtures("place")
def test_writing_again_replaces_and_makes_no_second_name() -> None:
    storage.write("originals/ab/abc", b"first")
    storage.write("originals/ab/abc", b"second")

    assert storage.read("originals/ab/abc") == b"second"
    assert list(storage.list_names("originals")) == ["originals/ab/abc"]


@pytest.mark.usefixtures("place")
def test_a_missing_file_is_ours_and_named() -> None:
    with pytest.raises(FileMissing) as raised:
        storage.read("originals/ab/none")

    assert raised.value.code == "storage:ours:file-missing"
    assert raised.value.context == {"name": "originals/ab/none"}


@pytest.mark.usefixtures("place")
def test_deleting_twice_is_fine() -> None:
    storage.write("thumbnails/ab/abc.jpg", b"x")

    storage.delete("thumbnails/ab/abc.jpg")
    storage.delete("thumbnails/ab/abc.jpg")

    assert not storage.exists("thumbnails/ab/abc.jpg")


@pytest.mark.usefixtures("place")
def test_names_are_listed_at_every_depth_and_an_empty_folder_has_none() -> None:
    for name in ("originals/ab/1", "originals/ab/2", "originals/cd/3", "thumbnails/ab/1.jpg"):
        storage.write(name, b"x")

    assert list(storage.list_names("originals")) == [
        "originals/ab/1",
        "originals/ab/2",
        "originals/cd/3",
    ]
    assert list(storage.list_names("queries")) == []


@pytest.mark.usefixtures("place")
def test_the_time_of_writing_is_known_and_aware() -> None:
    storage.write("queries/1", b"x")

    age = datetime.now(UTC) - storage.modified_at("queries/1")

    assert timedelta(seconds=-2) < age < timedelta(seconds=60)


@pytest.mark.parametrize("place", ["s3"], indirect=True)
@pytest.mark.usefixtures("place")
def test_a_bucket_that_is_not_there_is_transient(settings: Settings) -> None:
    options = settings.STORAGES["default"]["OPTIONS"] | {"bucket_name": "no-such-bucket"}
    _use(settings, "storages.backends.s3.S3Storage", options)

    with pytest.raises(TransientError) as raised:
        storage.write("originals/ab/abc", b"x")

    assert raised.value.code == "storage:transient:unavailable"
