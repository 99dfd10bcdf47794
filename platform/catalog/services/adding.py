"""Pictures come into the catalogue: their files first, then their rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from django.db import transaction

from audit_log import services as audit_log
from audit_log.models import AuditEntry
from catalog import storage
from catalog.models import Album, Image, Occurrence, Tag, max_chars
from catalog.services.copy_checks import CopyRule, ask_copy_checks
from catalog.services.payloads import request_payload_update
from catalog.validation import ValidPicture

NamedSet = TypeVar("NamedSet", Tag, Album)

_TEXT_FIELDS = (
    *("title", "description", "source", "path", "external_id"),
    *("owner", "licence", "rights", "creator", "credit", "usage_terms", "licensor", "taken_at"),
)


@dataclass(frozen=True, slots=True)
class Added:
    """An image of the catalogue, and whether it is new or somebody else's."""

    image_id: UUID
    is_new: bool


@dataclass(frozen=True, slots=True)
class ImageMetadata:
    """What the person, the source or the file says of a picture; all of it may be empty.

    `path` is relative to its source; `medium` is one of `Image.Medium`; `taken_at` is in ISO 8601,
    without a zone where none is known. Texts that are longer than their columns are cut.
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


@dataclass(frozen=True, slots=True)
class NewPicture:
    """A valid picture, what is said of it, and what becomes of it if it is a copy of another.

    Without a `copy_rule` it is taken in, whatever it is.
    """

    picture: ValidPicture
    metadata: ImageMetadata = ImageMetadata()
    copy_rule: CopyRule | None = None


def store_files(picture: ValidPicture) -> None:
    """Store a valid picture and its thumbnail under its content hash.

    Nothing is asked of SQL, so that threads may do it.

    Raises:
        TransientError: the storage is full or out of reach.
    """
    storage.write(storage.original_name(picture.sha256), picture.data)
    storage.write(storage.thumbnail_name(picture.sha256), picture.thumbnail)


@transaction.atomic
def add_pictures(new: Iterable[NewPicture]) -> dict[str, Added]:
    """Add the rows of pictures, or find who has added the same file meanwhile.

    Callers ask `find_by_sha256s` first, and then `store_files`: a crash between files and row
    leaves files that no row names, which `audit` removes, and never a row without its files.

    Args:
        new: pictures of different content, in the order in which they come into the catalogue.

    Returns:
        Content hash → its image; without what was added and deleted meanwhile.
    """
    by_hash = {each.picture.sha256: each for each in new}
    rows = {sha256: _row(each) for sha256, each in by_hash.items()}
    Image.objects.bulk_create(rows.values(), ignore_conflicts=True)
    stored = Image.objects.filter(sha256__in=rows).values_list("sha256", "pk")
    added = {sha256: Added(pk, is_new=pk == rows[sha256].pk) for sha256, pk in stored}
    ours = {
        rows[sha256].pk: each
        for sha256, each in by_hash.items()
        if sha256 in added and added[sha256].is_new
    }
    _add_all_names(Image.tags, Tag, {pk: each.metadata.tags for pk, each in ours.items()})
    _add_all_names(Image.albums, Album, {pk: each.metadata.albums for pk, each in ours.items()})
    ask_copy_checks({pk: each.copy_rule for pk, each in ours.items() if each.copy_rule})
    return added


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

    Once; and not where it was met first.
    """
    # Locked, so that two imports of the same files do not both find it missing.
    row = Image.objects.select_for_update().filter(pk=image.pk).first()
    texts = _texts(metadata)
    said = {field: texts[field] for field in ("source", "path", "title", "external_id")}
    met_at = {field: said[field] for field in ("source", "path", "external_id")}
    if row is None or all(getattr(row, field) == text for field, text in met_at.items()):
        return
    if not row.occurrences.filter(**met_at).exists():
        Occurrence.objects.create(image=row, **said)


def update_metadata(image: Image, metadata: ImageMetadata, *, by_id: int | None = None) -> None:
    """Have an image say what a source says of it now, for the account that asks for it.

    Texts that the source has replace those that are there; tags and albums are added.
    """
    said = {field: text for field, text in _texts(metadata).items() if text}
    changed = {field: text for field, text in said.items() if getattr(image, field) != text}
    changes: dict[str, list[Any]] = {
        field: [getattr(image, field), text] for field, text in changed.items()
    }
    with transaction.atomic():
        Image.objects.filter(pk=image.pk).update(**changed)
        added = _add_to_named_sets(image, metadata)
        for field, names in added.items():
            now = sorted(getattr(image, field).values_list("name", flat=True))
            changes[field] = [[name for name in now if name not in names], now]
        if added or "medium" in changed:
            request_payload_update(Image.objects.filter(pk=image.pk))
        if changes:
            audit_log.record(AuditEntry.Action.CHANGED, image, actor_id=by_id, details=changes)


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
    ids = _find_or_make(model, _clean(model, names))
    have = set(relation.filter(pk__in=ids.values()).values_list("pk", flat=True))
    missing = {name: pk for name, pk in ids.items() if pk not in have}
    relation.add(*missing.values())
    return set(missing)


def _add_all_names(
    relation: Any, model: type[NamedSet], names_of: Mapping[UUID, Sequence[str]]
) -> None:
    """Put images that are in none into the tags or albums of these names."""
    clean = {image_id: _clean(model, names) for image_id, names in names_of.items()}
    ids = _find_or_make(model, set().union(*clean.values()))
    column = f"{model._meta.model_name}_id"
    relation.through.objects.bulk_create(
        relation.through(image_id=image_id, **{column: ids[name]})
        for image_id, names in clean.items()
        for name in names
    )


def _clean(model: type[NamedSet], names: Iterable[str]) -> set[str]:
    limit = max_chars(model, "name")
    return {name[:limit].strip() for name in names} - {""}


def _find_or_make(model: type[NamedSet], names: set[str]) -> dict[str, int]:
    """Return name → id of tags or albums; those that are missing are made."""
    if not names:
        return {}
    find = partial(model._default_manager.in_bulk, names, field_name="name")
    known = find()
    # In order, so that two who make the same ones do not wait for each other.
    if missing := sorted(names - known.keys()):
        # Others may have made them meanwhile.
        new = (model(name=name) for name in missing)
        model._default_manager.bulk_create(new, ignore_conflicts=True)
        known = find()
    return {name: each.pk for name, each in known.items()}


def _row(new: NewPicture) -> Image:
    picture = new.picture
    return Image(
        sha256=picture.sha256,
        format=picture.format,
        width=picture.width,
        height=picture.height,
        file_bytes=len(picture.data),
        is_damaged=picture.is_damaged,
        **_texts(new.metadata),
    )


def _texts(metadata: ImageMetadata) -> dict[str, str]:
    """Return what stands in columns of its own, cut to them."""
    texts = {field: getattr(metadata, field)[: max_chars(Image, field)] for field in _TEXT_FIELDS}
    return texts | ({"medium": metadata.medium} if metadata.medium else {})
