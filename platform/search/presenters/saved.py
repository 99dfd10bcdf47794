"""How a person's saved searches are listed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.urls import reverse

from catalog.presenters import thumbnail_url
from catalog.selectors import find_images
from catalog.visibility import Viewer
from search.models import SavedPicture, SavedSearch


@dataclass(frozen=True, slots=True)
class SavedCard:
    """A saved search in the list.

    Attributes:
        url: the search.
        thumbnail_url: of its first picture; "" where none is left, or none may be seen.
        pictures: how many it names.
        is_watchable: whether a picture of it can be watched.
    """

    id: UUID
    name: str
    url: str
    thumbnail_url: str
    pictures: int
    is_watchable: bool
    created_at: datetime


def present_saved(searches: Iterable[SavedSearch], viewer: Viewer) -> list[SavedCard]:
    """Return the cards of saved searches, in their order."""
    searches = list(searches)
    named = [picture for each in searches for picture in each.pictures.all()]
    visible = find_images([each.image_id for each in named if each.image_id], viewer)
    return [_card(each, frozenset(visible)) for each in searches]


def _card(search: SavedSearch, visible: frozenset[UUID]) -> SavedCard:
    seen = [each for each in search.pictures.all() if each.query_id or each.image_id in visible]
    return SavedCard(
        id=search.pk,
        name=search.name,
        url=search.get_absolute_url(),
        thumbnail_url=_thumbnail_url(search, seen),
        pictures=len(seen),
        is_watchable=any(not each.is_unlike for each in seen),
        created_at=search.created_at,
    )


def _thumbnail_url(search: SavedSearch, seen: list[SavedPicture]) -> str:
    if not seen:
        return ""
    first = min(seen, key=lambda each: (each.is_unlike, each.pk))
    if first.image is not None:
        return thumbnail_url(first.image)
    return reverse("search:saved_thumbnail", args=(search.pk,))
