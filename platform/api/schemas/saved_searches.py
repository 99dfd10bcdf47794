"""Searches that an account keeps under a name."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.schemas.base import GivenJson, TakenJson, Text
from search.models import SavedSearch

Name = Annotated[Text, Field(max_length=200)]
Address = Annotated[
    Text,
    Field(max_length=4000, description="what stands after the ? of its address, on the page too"),
]


class SearchNamed(TakenJson):
    """What a saved search is called."""

    name: Name


class SearchSaved(TakenJson):
    """A search to keep, with the uploads that it names."""

    search: Address
    name: Name = Field("", description="none leaves it to the site")


class SavedSearchJson(GivenJson):
    """A saved search: `GET /api/v1/search?` with `search` behind it asks it again."""

    id: UUID
    name: str
    search: str
    url: str = Field(description="its page")
    created_at: datetime


class SavedSearchesJson(GivenJson):
    """A page of saved searches, the newest first."""

    items: list[SavedSearchJson]
    next_cursor: str | None


def saved_search_json(saved: SavedSearch) -> SavedSearchJson:
    """Return a saved search's shape."""
    return SavedSearchJson(
        id=saved.pk,
        name=saved.name,
        search=saved.address,
        url=saved.get_absolute_url(),
        created_at=saved.created_at,
    )
