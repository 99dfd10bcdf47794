"""Pictures come into the catalogue: their files first, then their rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from django.contrib.auth.models import Group
from django.db import transaction

from audit_log import services as audit_log
from audit_log.models import AuditEntry
from catalog import storage
from catalog.models import Album, Image, Occurrence, Tag, max_chars
from catalog.selectors import drawn_boxes
from catalog.services.copy_checks import CopyRule, ask_copy_checks
from catalog.services.media import confirm_media
from catalog.services.panels import Box, draw_panels, usable_panels
from catalog.services.payloads import (
    CARRIED_FIELDS,
    mark_payloads_due,
    request_payload_update,
)
from catalog.validation import ValidPicture
from kernel.errors import UserInputError

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

    Callers ask `find_by_sha256s` first, then `make_private_albums`, and then `store_files`: a crash
    between files and row leaves files that no row names, which `audit` removes, and never a row
    without its files.

    Args:
        new: pictures of different content, in the order in which they come into the catalogue.

    Returns:
        Content hash → its image; without what was added and deleted meanwhile.

    Raises:
        UserInputError: "image:user:bad-panels"; see `usable_panels`.
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
    Occurrence.objects.bulk_create(
        Occurrence(image_id=pk, **asdict(where))
        for pk, each in ours.items()
        for where in each.metadata.occurrences
    )
    ask_copy_checks({pk: each.copy_rule for pk, each in ours.items() if each.copy_rule})
    return added


def fill_in_path(image: Image, path: str) -> None:
    """Keep where a picture lies in its source, where that is not known yet.

    An original that was copied out of the storage is named by its hash: that says nothing.
    """
    if path and not image.path and image.sha256 not in path:
        cut = path[: max_chars(Image, "path")]
        nameless = Image.objects.filter(pk=image.pk, path="")
        with transaction.atomic():
            mark_payloads_due(nameless)  # the sweep has them written: a job an image is too many
            nameless.update(path=cut)


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
        UserInputError: "image:user:bad-panels", or as `make_private_albums`.
    """
    said = {field: text for field, text in _texts(metadata).items() if text}
    changed = {field: text for field, text in said.items() if getattr(image, field) != text}
    changes: dict[str, list[Any]] = {
        field: [getattr(image, field), text] for field, text in changed.items()
    }
    panels = metadata.drawn_panels
    with transaction.atomic():
        make_private_albums(metadata)
        if panels is not None and panels != drawn_boxes(image.drawn_panels):
            draw_panels(image.pk, panels, by_id=by_id)
        if metadata.occurrences:
            _add_occurrences(image, metadata.occurrences)
        Image.objects.filter(pk=image.pk).update(**changed)
        if metadata.medium:
            confirm_media(Image.objects.filter(pk=image.pk))
        added = _add_to_named_sets(image, metadata)
        for field, names in added.items():
            now = sorted(getattr(image, field).values_list("name", flat=True))
            changes[field] = [[name for name in now if name not in names], now]
        if added or CARRIED_FIELDS & changed.keys():
            request_payload_update(Image.objects.filter(pk=image.pk))
        if changes:
            audit_log.record(AuditEntry.Action.CHANGED, image, actor_id=by_id, details=changes)


@transaction.atomic
def make_private_albums(metadata: ImageMetadata) -> None:
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
        drawn_panels=usable_panels(
            new.metadata.drawn_panels, width=picture.width, height=picture.height
        ),
        **_texts(new.metadata),
    )


def _texts(metadata: ImageMetadata) -> dict[str, str]:
    """Return what stands in columns of its own, cut to them."""
    texts = {field: getattr(metadata, field)[: max_chars(Image, field)] for field in _TEXT_FIELDS}
    return texts | ({"medium": metadata.medium} if metadata.medium else {})
