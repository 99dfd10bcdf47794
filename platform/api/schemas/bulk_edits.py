"""Bulk edits, as they are asked for and as they go on."""

from datetime import datetime
from typing import Annotated, Final, Literal, get_args
from uuid import UUID

from pydantic import Field

from api.schemas.base import GivenJson, TakenJson, Text, choices_of
from api.schemas.images import ImageFilters
from catalog.models import BulkEdit

# All but exports, whose files are the admin's to hand out.
BulkKind = Literal[
    "bin",
    "restore",
    "purge",
    "take_in",
    "refuse",
    "reindex",
    "add_tags",
    "remove_tags",
    "add_albums",
    "remove_albums",
    "set_medium",
    "set_title",
    "replace_in_title",
    "set_owner",
    "set_licence",
]
MAX_NAMED: Final = 10_000

BulkState = Annotated[BulkEdit.State, choices_of(BulkEdit.State)]


class BulkEditAsked(TakenJson):
    """What is done, and to which images: `images`, or those that fit `filters`."""

    kind: BulkKind
    images: Annotated[list[UUID], Field(max_length=MAX_NAMED)] | None = None
    filters: ImageFilters | None = Field(
        None, description="not for what is in the bin or held: those are named"
    )
    names: list[Text] = Field([], description="of tags or albums")
    value: Text | None = Field(None, description="the new medium, title, owner or licence")
    find: Text | None = Field(None, description="what is replaced in titles")


class BulkEditJson(GivenJson):
    """How far a bulk edit is."""

    id: int
    kind: BulkEdit.Kind
    state: BulkState
    total: int = Field(description="images in all")
    done: int
    gone: int = Field(description="that were not there any more")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


KINDS: Final = frozenset(get_args(BulkKind))
