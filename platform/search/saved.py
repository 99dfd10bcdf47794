"""Searches that a person saved: their addresses stay, and so do the pictures that these name."""

from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.forms import UUIDField
from django.http import QueryDict

from catalog.models import max_chars
from catalog.selectors import find_images
from kernel.errors import ConflictError, FileMissing, GoneError, UserInputError
from kernel.task_messages import Box
from search import query_files
from search.models import SavedPicture, SavedSearch

_MAX_ADDRESS_CHARS, _MAX_PICTURES = 4000, 20
# Fields that name pictures: uploads, and images of the catalogue.
_UPLOADS, _IMAGES = {"query": False, "unlike": True}, {"image": False, "unlike_image": True}
_WORDS = "words"
# How an answer is waited for is no part of what is asked.
_LEFT_OUT = ("wait", "csrfmiddlewaretoken")


@dataclass(frozen=True, slots=True)
class NamedPicture:
    """A picture in an address: an upload by its query id, or an image of the catalogue."""

    query_id: UUID | None
    image_id: UUID | None
    is_unlike: bool


@dataclass(frozen=True, slots=True)
class SearchAddress:
    """The query of a search page's address, and what it names.

    Attributes:
        text: the query, without what is no part of the search.
        pictures: uploads and images, each once.
        box: x0, y0, x1, y1 in pixels of the picture; None is all of it.
        name: of the picture, as the address has it.
    """

    text: str
    pictures: tuple[NamedPicture, ...]
    box: Box | None
    name: str

    @property
    def query_ids(self) -> frozenset[UUID]:
        """Uploads that it names."""
        return frozenset(each.query_id for each in self.pictures if each.query_id is not None)


def read_address(text: str) -> SearchAddress:
    """Return what the query of a search page's address says.

    Raises:
        UserInputError: "saved:user:no-search": it asks for nothing, names what is no picture, or is
            too long.
    """
    if len(text) > _MAX_ADDRESS_CHARS or "\0" in text:
        raise UserInputError("saved:user:no-search")
    fields = QueryDict(text, mutable=True)
    for name in _LEFT_OUT:
        fields.pop(name, None)
    pictures = (
        *(NamedPicture(each, None, is_not) for each, is_not in _ids(fields, _UPLOADS)),
        *(NamedPicture(None, each, is_not) for each, is_not in _ids(fields, _IMAGES)),
    )
    is_asked = any(not each.is_unlike for each in pictures) or fields.get(_WORDS, "").strip()
    encoded = fields.urlencode()
    if not is_asked or not len(pictures) <= _MAX_PICTURES or len(encoded) > _MAX_ADDRESS_CHARS:
        raise UserInputError("saved:user:no-search")
    return SearchAddress(encoded, pictures, _box(fields.get("box", "")), fields.get("name", ""))


def save_search(owner: User, *, address: str, name: str) -> SavedSearch:
    """Save a search for an account; one with the same address is returned as it is.

    Args:
        owner: whose it is.
        address: the query of the search page's address.
        name: what it is called; "" leaves that to us.

    Raises:
        UserInputError: "saved:user:no-search"; "saved:user:no-picture": one of its pictures is gone
            or may not be seen.
        GoneError: "search:user:query-expired".
        ConflictError: "saved:conflict:too-many": the account has SAVED_SEARCHES_MAX.
        TransientError: "storage:transient:unavailable".
    """
    asked = read_address(address)
    if (known := find_saved(owner, asked.text)) is not None:
        return known
    _check_room(owner)
    image_ids = {each.image_id for each in asked.pictures if each.image_id is not None}
    images = find_images(image_ids, owner)
    if set(images) != image_ids:
        raise UserInputError("saved:user:no-picture")
    for query_id in asked.query_ids:
        try:
            query_files.keep(query_id, asked.box)
        except FileMissing as error:
            raise GoneError("search:user:query-expired") from error
    title = next((str(image) for image in images.values()), "")
    return _record(owner, asked, _cleaned(name) or _cleaned(asked.name) or _cleaned(title) or "–")


def rename_search(saved: SavedSearch, name: str) -> None:
    """Give a saved search another name.

    Raises:
        UserInputError: "saved:user:no-name"; "request:user:not-found": it was deleted meanwhile.
    """
    cleaned = _cleaned(name)
    if not cleaned:
        raise UserInputError("saved:user:no-name")
    if not SavedSearch.objects.filter(pk=saved.pk).update(name=cleaned):
        raise UserInputError("request:user:not-found")
    saved.name = cleaned


def list_saved(owner: User) -> QuerySet[SavedSearch]:
    """Return an account's saved searches, the newest first, and with them their pictures."""
    return SavedSearch.objects.filter(owner=owner).prefetch_related("pictures__image")


def find_saved(owner: User, address: str) -> SavedSearch | None:
    """Return an account's saved search with this address, or None."""
    return SavedSearch.objects.filter(owner=owner, address=address).first()


def list_saved_query_ids() -> frozenset[UUID]:
    """Return the uploads that saved searches name, whoever saved them."""
    rows = SavedPicture.objects.filter(query_id__isnull=False).order_by()
    ids = rows.values_list("query_id", flat=True).distinct()
    return frozenset(query_id for query_id in ids if query_id is not None)


def is_upload_saved(query_id: UUID) -> bool:
    """Return whether any saved search names an upload, so that it does not expire."""
    return SavedPicture.objects.filter(query_id=query_id).exists()


def _ids(fields: QueryDict, names: dict[str, bool]) -> list[tuple[UUID, bool]]:
    read = UUIDField(required=True)
    try:
        found = [
            (read.clean(value), is_unlike)
            for name, is_unlike in names.items()
            for value in fields.getlist(name)
            if value
        ]
    except ValidationError as error:
        raise UserInputError("saved:user:no-search") from error
    return list(dict.fromkeys(found))


def _box(text: str) -> Box | None:
    with suppress(ValueError):  # the search itself says that it is none
        x0, y0, x1, y1 = (int(number) for number in text.split(","))
        return x0, y0, x1, y1
    return None


def _cleaned(name: str) -> str:
    """Return a name as one line that its column holds."""
    line = " ".join("".join(each if each.isprintable() else " " for each in name).split())
    return line[: max_chars(SavedSearch, "name")]


@transaction.atomic
def _record(owner: User, asked: SearchAddress, name: str) -> SavedSearch:
    User.objects.select_for_update().get(pk=owner.pk)  # two at once count each other
    if (known := find_saved(owner, asked.text)) is not None:
        return known
    _check_room(owner)
    saved = SavedSearch.objects.create(owner=owner, name=name, address=asked.text)
    SavedPicture.objects.bulk_create(
        SavedPicture(
            search=saved, query_id=each.query_id, image_id=each.image_id, is_unlike=each.is_unlike
        )
        for each in asked.pictures
    )
    return saved


def _check_room(owner: User) -> None:
    most = settings.SAVED_SEARCHES_MAX
    if SavedSearch.objects.filter(owner=owner).count() >= most:
        raise ConflictError("saved:conflict:too-many", most=most)
