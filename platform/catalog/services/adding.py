"""A picture comes into the catalogue: its files first, then its row."""

from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, transaction

from catalog import storage
from catalog.models import Image
from catalog.selectors import find_by_sha256
from catalog.services.indexing import request_indexing
from catalog.validation import ValidPicture
from kernel.errors import ConflictError


@dataclass(frozen=True, slots=True)
class Added:
    """An image of the catalogue, and whether it is new or was there already."""

    image_id: UUID
    is_new: bool


@dataclass(frozen=True, slots=True)
class ImageMetadata:
    """What the person says of a picture; all of it may be empty."""

    title: str = ""
    source: str = ""
    owner: str = ""
    licence: str = ""


def add_picture(picture: ValidPicture, metadata: ImageMetadata) -> Added:
    """Store a valid picture under its content hash, or find who stored it meanwhile.

    Callers ask `find_by_sha256` first. Files first, then the row: a crash between the two leaves
    files that no row names, which `audit` removes, and never a row without its files.

    Raises:
        ConflictError: "image:conflict:being-deleted".
        TransientError: the storage is full or out of reach; nothing was added.
    """
    _write_files(picture)
    try:
        with transaction.atomic():
            image = Image.objects.create(
                sha256=picture.sha256,
                format=picture.format,
                width=picture.width,
                height=picture.height,
                file_bytes=len(picture.data),
                is_damaged=picture.is_damaged,
                title=metadata.title[:300],
                source=metadata.source[:1000],
                owner=metadata.owner,
                licence=metadata.licence,
            )
    except IntegrityError:  # somebody else stored the same file meanwhile
        known = find_by_sha256(picture.sha256)
        if known is None or known.status == Image.Status.DELETING:
            raise ConflictError("image:conflict:being-deleted") from None
        return Added(image_id=known.pk, is_new=False)
    return Added(image_id=image.pk, is_new=True)


def restore_picture(picture: ValidPicture) -> None:
    """Store the files of a failed image again and have it indexed: its original may be lost.

    Raises:
        TransientError: the storage is full or out of reach; the image is as it was.
    """
    _write_files(picture)
    request_indexing(Image.objects.filter(sha256=picture.sha256))


def _write_files(picture: ValidPicture) -> None:
    storage.write(storage.original_name(picture.sha256), picture.data)
    storage.write(storage.thumbnail_name(picture.sha256), picture.thumbnail)
