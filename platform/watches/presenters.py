"""How watches and their hits are shown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User
from django.urls import reverse

from catalog.presenters import similar_url, thumbnail_url
from watches.models import RUNG_NAMES, Rung, Watch, WatchHit
from watches.selectors import count_by_watch

_PROVED = (Rung.NEAR_IDENTICAL, Rung.EDITED_COPY)


@dataclass(frozen=True, slots=True)
class WatchCard:
    """What is watched, and what came of it.

    Attributes:
        name: of the album or the saved search.
        is_album: which of the two it is.
        tells: from which rung up.
        ways: how its owner is told, besides the page.
        is_switched_off: whether its webhook was given up.
    """

    id: UUID
    name: str
    is_album: bool
    url: str
    tells: str
    by_mail: bool
    has_webhook: bool
    is_switched_off: bool
    hits: int
    unseen: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PictureCard:
    """One of the two pictures of a hit; `url` is "" of an upload that is gone."""

    title: str
    url: str
    thumbnail_url: str


@dataclass(frozen=True, slots=True)
class WatchHitCard:
    """A new image beside what it copies.

    Attributes:
        compare_url: the search with the watched picture, where both can be laid over each other.
        is_proved: whether pixels say so.
    """

    id: int
    image: PictureCard
    watched: PictureCard
    compare_url: str
    verdict: str
    is_proved: bool
    is_unseen: bool
    is_before: bool
    watch_name: str
    watch_url: str
    found_at: datetime


def present_watches(watches: Iterable[Watch], owner: User) -> list[WatchCard]:
    """Return the cards of watches, in their order."""
    watches = list(watches)
    counts = count_by_watch(owner, [watch.pk for watch in watches])
    return [_watch_card(watch, *counts.get(watch.pk, (0, 0))) for watch in watches]


def present_hits(hits: Sequence[WatchHit]) -> list[WatchHitCard]:
    """Return the cards of hits, in their order."""
    return [_hit_card(hit) for hit in hits]


def _watch_card(watch: Watch, hits: int, unseen: int) -> WatchCard:
    hook = getattr(watch, "webhook", None)
    return WatchCard(
        id=watch.pk,
        name=watch.name,
        is_album=watch.album_id is not None,
        url=reverse("watches:watch", args=(watch.pk,)),
        tells=str(Rung(watch.rung).label),
        by_mail=watch.by_mail,
        has_webhook=hook is not None,
        is_switched_off=hook is not None and hook.switched_off_at is not None,
        hits=hits,
        unseen=unseen,
        created_at=watch.created_at,
    )


def _hit_card(hit: WatchHit) -> WatchHitCard:
    image, watched = hit.image, _watched(hit)
    return WatchHitCard(
        id=hit.pk,
        image=PictureCard(str(image), image.get_absolute_url(), thumbnail_url(image)),
        watched=watched,
        compare_url=_compare_url(hit),
        verdict=str(RUNG_NAMES[Rung(hit.rung)]),
        is_proved=hit.rung in _PROVED,
        is_unseen=hit.seen_at is None and not hit.is_before,
        is_before=hit.is_before,
        watch_name=hit.watch.name,
        watch_url=reverse("watches:watch", args=(hit.watch_id,)),
        found_at=hit.found_at,
    )


def _watched(hit: WatchHit) -> PictureCard:
    image = hit.watched_image
    if image is None and hit.saved_picture is not None:
        image = hit.saved_picture.image
    if image is not None:
        return PictureCard(str(image), image.get_absolute_url(), thumbnail_url(image))
    search = hit.watch.saved_search
    if search is None:
        return PictureCard("", "", "")
    thumbnail = reverse("search:saved_thumbnail", args=(search.pk,))
    return PictureCard(search.name, search.get_absolute_url(), thumbnail)


def _compare_url(hit: WatchHit) -> str:
    if hit.watched_image is not None:
        return similar_url(hit.watched_image)
    search = hit.watch.saved_search
    return "" if search is None else search.get_absolute_url()
