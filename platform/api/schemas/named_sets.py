"""Albums and tags."""

from typing import Annotated

from pydantic import AfterValidator, Field

from api.schemas.base import GivenJson, TakenJson, Text, trimmed


class NamedSetAsked(TakenJson):
    """The name of an album or a tag."""

    name: Annotated[Text, Field(min_length=1, max_length=100), AfterValidator(trimmed)]


class NamedSetJson(GivenJson):
    """An album or a tag."""

    id: int
    name: str


class NamedSetsJson(GivenJson):
    """A page of albums or tags, in the order that they were made."""

    items: list[NamedSetJson]
    next_cursor: str | None
