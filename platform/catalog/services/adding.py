"""A picture comes into the catalogue: its files first, then its row."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction

from audit_log import services as audit_log
from audit_log.models import AuditEntry
from catalog import storage
from catalog.models import Album, Image, Occurrence, Tag, max_chars
from catalog.selectors import drawn_boxes, find_by_sha256
from catalog.services.indexing import request_indexing
from catalog.services.panels import Box, draw_panels, usable_panels
from catalog.services.payloads import request_payload_update
from catalog.validation import ValidPicture
from kernel.errors import ConflictError, UserInputError

NamedSet = TypeVar("NamedSet", Tag, Album)

_TEXT_FIELDS = (
    *("title", "description", "source", "path", "external_id"),
    *("owner", "licence", "rights", "creator", "credit", "usage_terms", "licensor", "taken_at"),
)


@dataclass(frozen=True, slots=True)
class Added:
    """An image of the catalogue, and whether it is new or was there already."""

    image_id: UUID
    is_new: bool


@dataclass(frozen=True, slots=True)
class FurtherOccurrence:
    """Where else the file of an image was met, and what it was called there."""

    source: str = ""
    path: str = ""
    title: str = ""
    external_id: str = ""


@dataclass(frozen=True, slots=True)
class ImageMetadata:
    """What the person, the source or the file says of a picture; all of it may be empty.

    `path` is relative to its source; `medium` is one of `Image.Medium`; `taken_at` is in ISO 8601,
    without a zone where none is known. Texts that are longer than their columns are cut.
    `private_to` is album → groups that it has to be private to. `occurrences` are where else the
    file was met; `drawn_panels` as `draw_panels` takes them, None where nobody has drawn any.
    """

    title: str = ""
    description: str = ""
    source: str = ""
    path: str = ""
    external_id: str = ""
    owner: str = ""
    licence: str = ""
    rights: str = ""
    creator: str = ""
    credit: str = ""
    usage_terms: str = ""
    licensor: str = ""
    taken_at: str = ""
    medium: str = ""
    tags: tuple[str, ...] = ()
    albums: tuple[str, ...] = ()
    private_to: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    occurrences: tuple[FurtherOccurrence, ...] = ()
    drawn_panels: tuple[Box, ...] | None = None


def add_picture(picture: ValidPicture, metadata: ImageMetadata) -> Added:
    """Store a valid picture under its content hash, or find who stored it meanwhile.

    Callers ask `find_by_sha256` first. Files first, then the row: a crash between the two leaves
    files that no row names, which `audit` removes, and never a row without its files.

    Raises:
        UserInputError: "image:user:bad-panels", "album:user:not-private", "album:user:no-group".
        ConflictError: "image:conflict:being-deleted".
        TransientError: the storage is full or out of reach; nothing was added.
    """
    panels = usable_panels(metadata.drawn_panels, width=picture.width, height=picture.height)
    if metadata.private_to:  # nothing is begun for all the others
        _make_private_albums(metadata)
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
                drawn_panels=panels,
                **_texts(metadata),
            )
            _add_to_named_sets(image, metadata)
            Occurrence.objects.bulk_create(
                Occurrence(image=image, **asdict(each)) for each in metadata.occurrences
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


def fill_in_path(image: Image, path: str) -> None:
    """Keep where a picture lies in its source, where that is not known yet.

    An original that was copied out of the storage is named by its hash: that says nothing.
    """
    if path and not image.path and image.sha256 not in path:
        cut = path[: max_chars(Image, "path")]
        Image.objects.filter(pk=image.pk, path="").update(path=cut)


@transaction.atomic
def add_occurrence(image: Image, metadata: ImageMetadata) -> None:
    """Keep where else the file of an image was met: source, path, title and external id.

    Once; and not where it was met first. So is what the metadata have of further ones.
    """
    texts = _texts(metadata)
    met = {name: texts[name] for name in ("source", "path", "title", "external_id")}
    _add_occurrences(image, (FurtherOccurrence(**met), *metadata.occurrences))


def _add_occurrences(image: Image, occurrences: Iterable[FurtherOccurrence]) -> None:
    # Locked, so that two imports of the same files do not both find it missing.
    row = Image.objects.select_for_update().filter(pk=image.pk).first()
    if row is None:
        return
    known = {_met_at(row), *map(_met_at, row.occurrences.all())}
    new = {_met_at(each): each for each in occurrences}
    Occurrence.objects.bulk_create(
        Occurrence(image=row, **asdict(each)) for where, each in new.items() if where not in known
    )


def _met_at(row: Image | Occurrence | FurtherOccurrence) -> tuple[str, str, str]:
    return row.source, row.path, row.external_id


def update_metadata(image: Image, metadata: ImageMetadata, *, by_id: int | None = None) -> None:
    """Have an image say what a source says of it now, for the account that asks for it.

    Texts that the source has replace those that are there, and so do panels; tags, albums and
    further occurrences are added.

    Raises:
        UserInputError: as `add_picture`.
    """
    said = {field: text for field, text in _texts(metadata).items() if text}
    changed = {field: text for field, text in said.items() if getattr(image, field) != text}
    changes: dict[str, list[Any]] = {
        field: [getattr(image, field), text] for field, text in changed.items()
    }
    panels = metadata.drawn_panels
    with transaction.atomic():
        _make_private_albums(metadata)
        if panels is not None and panels != drawn_boxes(image.drawn_panels):
            draw_panels(image.pk, panels, by_id=by_id)
        if metadata.occurrences:
            _add_occurrences(image, metadata.occurrences)
        Image.objects.filter(pk=image.pk).update(**changed)
        added = _add_to_named_sets(image, metadata)
        for field, names in added.items():
            now = sorted(getattr(image, field).values_list("name", flat=True))
            changes[field] = [[name for name in now if name not in names], now]
        if added or "medium" in changed:
            request_payload_update(Image.objects.filter(pk=image.pk))
        if changes:
            audit_log.record(AuditEntry.Action.CHANGED, image, actor_id=by_id, details=changes)


@transaction.atomic
def _make_private_albums(metadata: ImageMetadata) -> None:
    """Make the albums that have to be private, where they are missing.

    Whom an album that is there is private to has been decided here, and is left as it is.

    Raises:
        UserInputError: "album:user:not-private": one is open to everybody, and so would its
            pictures be; "album:user:no-group": nobody is there who could see it.
    """
    for name, groups in sorted(metadata.private_to.items()):
        found = Group.objects.filter(name__in=groups)
        is_known = Album.objects.filter(name=name).exists()
        if not is_known and len(found) < len(set(groups)):
            raise UserInputError("album:user:no-group", album=name, groups=", ".join(groups))
        album, is_new = Album.objects.get_or_create(name=name)
        if is_new:
            album.groups.set(found)
        elif not album.groups.exists():
            raise UserInputError("album:user:not-private", album=name)


def _add_to_named_sets(image: Image, metadata: ImageMetadata) -> dict[str, set[str]]:
    """Put an image into the tags and albums of these names; those that are missing are made.

    Returns:
        "tags", "albums" → the names of those that it was outside of, where there are any.
    """
    added = {
        "tags": _add_names(image.tags, Tag, metadata.tags),
        "albums": _add_names(image.albums, Album, metadata.albums),
    }
    return {field: names for field, names in added.items() if names}


def _add_names(relation: Any, model: type[NamedSet], names: Sequence[str]) -> set[str]:
    limit = max_chars(model, "name")
    # In order, so that two who make the same ones do not wait for each other.
    wanted = sorted({name[:limit].strip() for name in names} - {""})
    if not wanted:
        return set()
    known = model._default_manager.in_bulk(wanted, field_name="name")
    if new := [model(name=name) for name in wanted if name not in known]:
        # Others may have made them meanwhile.
        model._default_manager.bulk_create(new, ignore_conflicts=True)
        known = model._default_manager.in_bulk(wanted, field_name="name")
    ids = {each.pk: each.name for each in known.values()}
    have = set(relation.filter(pk__in=ids).values_list("pk", flat=True))
    missing = {pk: name for pk, name in ids.items() if pk not in have}
    if missing:
        relation.add(*missing)
    return set(missing.values())


def _texts(metadata: ImageMetadata) -> dict[str, str]:
    """Return what stands in columns of its own, cut to them."""
    texts = {field: getattr(metadata, field)[: max_chars(Image, field)] for field in _TEXT_FIELDS}
    return texts | ({"medium": metadata.medium} if metadata.medium else {})


def _write_files(picture: ValidPicture) -> None:
    storage.write(storage.original_name(picture.sha256), picture.data)
    storage.write(storage.thumbnail_name(picture.sha256), picture.thumbnail)
