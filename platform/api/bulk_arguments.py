"""What a program says of a bulk edit, as the admin's own forms read it."""

from typing import Any, Final

from django.db.models import QuerySet
from django.http import QueryDict

from api.image_lists import list_images
from api.named_rows import known_albums, known_tags
from api.schemas.bulk_edits import BulkEditAsked
from catalog.admin.bulk_edit_forms import arguments_form
from catalog.models import BulkEdit, Image
from catalog.selectors import list_binned_images, list_held_images, list_visible_images
from catalog.visibility import Viewer, seen_by
from kernel.errors import UserInputError

Kind = BulkEdit.Kind
_IN_BIN: Final = frozenset({Kind.RESTORE, Kind.PURGE})
_HELD: Final = frozenset({Kind.TAKE_IN, Kind.REFUSE})
_NAMES: Final = {
    Kind.ADD_TAGS: known_tags,
    Kind.REMOVE_TAGS: known_tags,
    Kind.ADD_ALBUMS: known_albums,
    Kind.REMOVE_ALBUMS: known_albums,
}


def arguments_of(asked: BulkEditAsked, viewer: Viewer) -> dict[str, Any]:
    """Return what `catalog.services.start_bulk_edit` takes.

    Raises:
        UserInputError: "request:user:bad-arguments", "request:user:unknown-names".
    """
    kind = Kind(asked.kind)
    data = QueryDict(mutable=True)
    if kind in _NAMES:
        rows: Any = _NAMES[kind](asked.names, viewer)
        data.setlist("names", [str(row.pk) for row in rows])
    for name in ("value", "find"):
        said = getattr(asked, name)
        if said is not None:
            data[name] = said
    form = arguments_form(kind, viewer, data)
    if not form.is_valid():
        raise UserInputError("request:user:bad-arguments", fields=", ".join(sorted(form.errors)))
    return form.arguments()


def images_of(asked: BulkEditAsked, viewer: Viewer) -> QuerySet[Image]:
    """Return the images that a bulk edit is about, of those that a person may see.

    Raises:
        UserInputError: "request:user:which-images": neither or both ways say which, or a filter
            of what is not listed.
    """
    kind = Kind(asked.kind)
    is_elsewhere = kind in _IN_BIN | _HELD
    if (asked.images is None) == (asked.filters is None) or (is_elsewhere and asked.filters):
        raise UserInputError("request:user:which-images")
    if asked.filters is not None:
        return list_images(asked.filters, viewer)
    if kind in _HELD:
        images = list_held_images(viewer)
    elif kind in _IN_BIN:
        images = seen_by(list_binned_images(), viewer)
    else:
        images = list_visible_images(viewer)
    return images.filter(pk__in=asked.images or ())
