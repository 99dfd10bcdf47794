"""Watches: whose copies people are told of, how, and what was found."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.schemas.base import GivenJson, TakenJson, Text
from watches.models import Rung, Watch, WatchHit

HitId = Annotated[int, Field(ge=0, le=2**63 - 1)]
Url = Annotated[Text, Field(max_length=1000, description="is called with what is found; signed")]


class WatchWishes(TakenJson):
    """How its owner wants to be told."""

    rung: Rung = Field(Rung.EDITED_COPY, description="how far down the ladder of verdicts")
    by_mail: bool = False
    webhook_url: Url = ""


class WatchAsked(WatchWishes):
    """What is watched: an album, one of your saved searches, or a search; one of the three."""

    album: int | None = Field(None, ge=0, le=2**31 - 1)
    saved_search: UUID | None = None
    search: Annotated[Text, Field(max_length=4000)] | None = Field(
        None, description="what stands after the ? of its address: it is saved, its uploads kept"
    )


class WebhookJson(GivenJson):
    """An address that is called."""

    url: str
    secret: str | None = Field(description="what calls are signed with; told to writes alone")
    failing_since: datetime | None
    switched_off_at: datetime | None


class WatchJson(GivenJson):
    """What is watched, and how its owner is told."""

    id: UUID
    name: str
    album: int | None
    saved_search: UUID | None
    rung: Rung
    by_mail: bool
    webhook: WebhookJson | None
    created_at: datetime


class WatchesJson(GivenJson):
    """A page of watches, the newest first."""

    items: list[WatchJson]
    next_cursor: str | None


class WatchHitJson(GivenJson):
    """An image that is a copy of a watched picture."""

    id: int
    watch_id: UUID
    image_id: UUID
    watched_image_id: UUID | None = Field(description="null of an upload")
    rung: Rung
    score: float | None
    is_before: bool = Field(description="whether it was there before the picture was watched")
    found_at: datetime
    seen_at: datetime | None


class WatchHitsJson(GivenJson):
    """A page of hits, the newest first."""

    items: list[WatchHitJson]
    next_cursor: str | None


class WatchHitFilters(TakenJson):
    """Which hits of your watches."""

    watch: UUID | None = None
    unseen: bool = Field(default=False, description="those alone that are new and unseen")


class HitsSeen(TakenJson):
    """Hits that somebody has looked at; others' and those that are gone are passed over."""

    hits: Annotated[list[HitId], Field(max_length=200)]


class SeenJson(GivenJson):
    """How many of them were new."""

    marked: int


def watch_json(watch: Watch, *, with_secret: bool = False) -> WatchJson:
    """Return a watch's shape."""
    hook = getattr(watch, "webhook", None)
    return WatchJson(
        id=watch.pk,
        name=watch.name,
        album=watch.album_id,
        saved_search=watch.saved_search_id,
        rung=Rung(watch.rung),
        by_mail=watch.by_mail,
        webhook=None
        if hook is None
        else WebhookJson(
            url=hook.url,
            secret=hook.secret if with_secret else None,
            failing_since=hook.failing_since,
            switched_off_at=hook.switched_off_at,
        ),
        created_at=watch.created_at,
    )


def watch_hit_json(hit: WatchHit) -> WatchHitJson:
    """Return a hit's shape."""
    names = set(WatchHitJson.model_fields) - {"id"}
    return WatchHitJson(id=hit.pk, **{name: getattr(hit, name) for name in names})
