"""A bucket of S3, or a part of one: s3://bucket/prefix."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from django.conf import settings

from catalog.validation import check_size
from ingestion.sources.base import SourceFile, ending_with_its_error, kind_of_path, shown
from kernel.errors import TransientError, UserInputError

BUCKET_SCHEME = "s3://"
_CONNECT_S, _READ_S = 10, 60
_SERVER_ERRORS = 500
_MISSING = frozenset({"NoSuchBucket", "NoSuchKey", "404"})
_DENIED = frozenset({"AccessDenied", "403", "InvalidAccessKeyId", "SignatureDoesNotMatch"})


@dataclass(frozen=True, slots=True)
class BucketSource:
    """The pictures whose keys begin with a prefix; keys and endpoint are those of the operator.

    A picture's path is its key without the prefix's folders.
    """

    url: str

    @property
    def name(self) -> str:
        """The address."""
        return shown(self.url)

    def check(self) -> None:
        """Ask for the first key.

        Raises:
            UserInputError: "bucket:user:missing", "bucket:user:denied", "bucket:user:refused".
            TransientError: "bucket:transient:unavailable".
        """
        with _failures_translated():
            bucket, prefix = self._parts()
            _client().list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)

    def files(self, passed_over: Counter[str]) -> Iterator[SourceFile]:
        """Yield the pictures in the order of their keys.

        Raises:
            TransientError: "bucket:transient:unavailable".
        """
        return ending_with_its_error(self.name, self._files(passed_over))

    def _files(self, passed_over: Counter[str]) -> Iterator[SourceFile]:
        bucket, prefix = self._parts()
        folder = prefix[: prefix.rfind("/") + 1]
        with _failures_translated():
            client = _client()
            pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            for listed in (each for page in pages for each in page.get("Contents", ())):
                key = listed["Key"]
                if key.endswith("/"):  # what stands for a folder
                    continue
                path = key.removeprefix(folder)
                if kind := kind_of_path(path):
                    passed_over[kind] += 1
                    continue
                name = shown("/".join(PurePosixPath(path).parts))
                yield SourceFile(
                    name,
                    partial(_read, client, bucket, key),
                    name,
                    size=partial(int, listed["Size"]),
                    is_near=False,
                )

    def _parts(self) -> tuple[str, str]:
        bucket, _, prefix = self.url.removeprefix(BUCKET_SCHEME).partition("/")
        return bucket, prefix


def _read(client: Any, bucket: str, key: str) -> bytes:
    with _failures_translated():
        answer = client.get_object(Bucket=bucket, Key=key)
        with answer["Body"] as body:
            check_size(answer["ContentLength"])
            data = bytes(body.read(settings.UPLOAD_MAX_BYTES + 1))
    check_size(len(data))
    return data


def _client() -> Any:
    # Here, since boto3 is 25 MB in every process that knows of it.
    import boto3
    from botocore.config import Config

    return boto3.Session().client(
        "s3",
        endpoint_url=settings.S3_ENDPOINT_URL,
        region_name=settings.S3_REGION,
        config=Config(connect_timeout=_CONNECT_S, read_timeout=_READ_S),
    )


@contextmanager
def _failures_translated() -> Iterator[None]:
    from botocore import exceptions

    try:
        yield
    except exceptions.ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in _MISSING:
            raise UserInputError("bucket:user:missing") from error
        if code in _DENIED:
            raise UserInputError("bucket:user:denied") from error
        if error.response["ResponseMetadata"].get("HTTPStatusCode", 0) >= _SERVER_ERRORS:
            raise TransientError("bucket:transient:unavailable", reason=str(error)) from error
        raise UserInputError("bucket:user:refused", detail=shown(code)) from error
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError) as error:
        raise UserInputError("bucket:user:denied") from error
    except exceptions.ParamValidationError as error:
        raise UserInputError("bucket:user:missing") from error
    except exceptions.BotoCoreError as error:
        raise TransientError("bucket:transient:unavailable", reason=str(error)) from error
