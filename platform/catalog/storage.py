"""Files of the catalogue, named by content: originals, and what is made of them.

Every error of the storage backend stops here and becomes one of ours.
"""

import logging
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path, PurePath
from typing import IO

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.utils import timezone

from catalog.folder_storage import UNFINISHED
from kernel.errors import FileMissing, TransientError
from kernel.regions import FULL_IMAGE_KEY, RegionKey

logger = logging.getLogger(__name__)

ORIGINALS = "originals"
THUMBNAILS = "thumbnails"
FEATURES = "features"
# Files that came with a form, until their import ends.
IMPORTS = "imports"
_UNFINISHED_FOR = timedelta(hours=1)


class ThumbnailSize(StrEnum):
    """What the thumbnails of an image are for: lists, pages, and pages on fine screens."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


# Of panels and objects: their JPEGs are no larger.
REGION_SIZES = (ThumbnailSize.SMALL, ThumbnailSize.MEDIUM)


def original_name(sha256: str) -> str:
    """Return the storage name of an original; its format is in the Image row."""
    return f"{ORIGINALS}/{sha256[:2]}/{sha256}"


def thumbnail_name(sha256: str) -> str:
    """Return the storage name of the thumbnail, a JPEG."""
    return f"{THUMBNAILS}/{sha256[:2]}/{sha256}.jpg"


def webp_name(sha256: str, size: ThumbnailSize, region: RegionKey = FULL_IMAGE_KEY) -> str:
    """Return the storage name of a thumbnail for pages, a WebP, made when it is asked for."""
    part = "" if region == FULL_IMAGE_KEY else f".{region}"
    return f"{THUMBNAILS}/{sha256[:2]}/{sha256}{part}.{size}.webp"


def webp_names(sha256: str, region: RegionKey = FULL_IMAGE_KEY) -> set[str]:
    """Return the names that thumbnails for pages may have."""
    sizes = ThumbnailSize if region == FULL_IMAGE_KEY else REGION_SIZES
    return {webp_name(sha256, size, region) for size in sizes}


def region_thumbnail_name(sha256: str, region: RegionKey) -> str:
    """Return the name of a region's thumbnail, a JPEG; the full image's is `thumbnail_name`."""
    if region == FULL_IMAGE_KEY:
        return thumbnail_name(sha256)
    return f"{THUMBNAILS}/{sha256[:2]}/{sha256}.{region}.jpg"


def features_name(sha256: str, region: RegionKey) -> str:
    """Return the storage name of a region's local features, as `ml.copies` makes them."""
    return f"{FEATURES}/{sha256[:2]}/{sha256}.{region}"


def derived_names(sha256: str, region: RegionKey) -> tuple[str, ...]:
    """Return the names of all that is made of a region and can be made again.

    First its thumbnail and its local features, then what pages have made of the thumbnail.
    """
    made = (region_thumbnail_name(sha256, region), features_name(sha256, region))
    return *made, *sorted(webp_names(sha256, region))


def parse_sha256(name: str) -> str:
    """Return the hash of the original that a file of the catalogue is, or was made of."""
    return PurePath(name).name.partition(".")[0]


def write(name: str, data: bytes) -> None:
    """Store `data` under exactly `name`, replacing what is there.

    Raises:
        TransientError: "storage:transient:unavailable": full, read-only or out of reach.
    """
    with _translated(name):
        default_storage.save(name, ContentFile(data))


def write_file(name: str, file: IO[bytes]) -> None:
    """Store what is in an open file, from its beginning, as `write` does, piece by piece."""
    with _translated(name):
        default_storage.save(name, File(file))


@contextmanager
def local_folder(folder: str) -> Iterator[Path]:
    """Hold the files that lie in a folder of the storage where other programs can open them.

    Of a storage that is no folder of this machine they are copied; that ends with the block.

    Raises:
        TransientError: "storage:transient:unavailable".
    """
    try:
        path: Path | None = Path(default_storage.path(folder))
    except NotImplementedError:
        path = None
    if path is not None and path.is_dir():
        yield path
        return
    # Not in /tmp, which is memory in containers.
    with tempfile.TemporaryDirectory(prefix="import-", dir=settings.DATA_DIR) as copies:
        for name in list_names(folder):
            copy = Path(copies) / PurePath(name).name
            with _translated(name), default_storage.open(name) as file, copy.open("wb") as to:
                shutil.copyfileobj(file, to)
        yield Path(copies)


@contextmanager
def scratch_file() -> Iterator[IO[bytes]]:
    """Hold an empty file that goes with the block, for more than memory has room for.

    Raises:
        TransientError: "storage:transient:unavailable": the disk is full or read-only.
    """
    try:
        with tempfile.TemporaryFile(dir=settings.DATA_DIR) as file:
            yield file
    except OSError as error:
        logger.warning("scratch file failed", extra={"reason": repr(error)})
        raise TransientError("storage:transient:unavailable", name="scratch") from error


def free_bytes() -> int | None:
    """Return how much room the storage has left; None where it is no folder of this machine."""
    try:
        path = Path(default_storage.path(""))
        while not path.exists():
            path = path.parent
        return shutil.disk_usage(path).free
    except (NotImplementedError, OSError):
        return None


def read_pieces(name: str) -> Iterator[bytes]:
    """Yield the content of `name`, piece by piece; errors as in `read`."""
    with _translated(name), default_storage.open(name) as file:
        yield from file.chunks()


def read(name: str) -> bytes:
    """Return the content of `name`.

    Raises:
        FileMissing: there is none of that name.
        TransientError: "storage:transient:unavailable".
    """
    with _translated(name), default_storage.open(name) as file:
        return bytes(file.read())


def read_part(name: str, start: int, end: int) -> bytes:
    """Return the bytes of `name` from `start` to before `end`; errors as in `read`."""
    with _translated(name), default_storage.open(name) as file:
        file.seek(start)
        return bytes(file.read(end - start))


def exists(name: str) -> bool:
    """Return whether a file of that name is stored."""
    with _translated(name):
        return bool(default_storage.exists(name))


def delete(name: str) -> None:
    """Remove `name`; a file that is gone already is fine."""
    with _translated(name):
        default_storage.delete(name)


def delete_folder(folder: str) -> None:
    """Remove an empty folder, where the storage has folders; one that is gone already is fine."""
    with _translated(folder):
        default_storage.delete(folder)


def modified_at(name: str) -> datetime:
    """Return when `name` was last written (aware); errors as in `read`."""
    with _translated(name):
        return default_storage.get_modified_time(name)


def size_of(name: str) -> int:
    """Return the bytes of `name`; errors as in `read`."""
    with _translated(name):
        return int(default_storage.size(name))


def expire_unfinished() -> int:
    """Remove what killed processes left half written an hour ago; return how many files."""
    oldest = timezone.now() - _UNFINISHED_FOR
    expired = 0
    for name in list(list_names(UNFINISHED)):
        with suppress(FileMissing):  # it is finished by now
            if modified_at(name) < oldest:
                delete(name)
                expired += 1
    return expired


def list_names(folder: str) -> Iterator[str]:
    """Yield the names of all files below `folder`."""
    with _translated(folder):
        try:
            folders, files = default_storage.listdir(folder)
        except FileNotFoundError:
            return
    for file in sorted(files):
        yield f"{folder}/{file}"
    for child in sorted(folders):
        yield from list_names(f"{folder}/{child}")


@contextmanager
def _translated(name: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise FileMissing(name=name) from error
    except Exception as error:
        # Each backend has its own classes (OSError, botocore's); none of them may go further.
        logger.warning("storage failed", extra={"file": name, "reason": repr(error)})
        raise TransientError("storage:transient:unavailable", name=name) from error
