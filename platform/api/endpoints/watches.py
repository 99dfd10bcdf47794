"""Watches: begun, changed, ended, and what they found; each its owner's alone."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import get_language
from ninja import Query, Router

from api.answers import respond
from api.cursors import page_of
from api.idempotency import idempotent
from api.schemas.base import DEFAULT_LIMIT, Cursor, Limit
from api.schemas.watches import (
    HitsSeen,
    SeenJson,
    WatchAsked,
    WatchesJson,
    WatchHitFilters,
    WatchHitsJson,
    WatchJson,
    WatchWishes,
    watch_hit_json,
    watch_json,
)
from api.security import Needs, Scope
from catalog.models import Album
from kernel.errors import UserInputError
from search.models import SavedSearch
from search.saved import list_saved, save_search
from watches import mail, services
from watches.selectors import list_hits, list_unseen, list_watchable_albums, list_watches
from watches.services import Wishes

router = Router(tags=["watches"])
# Every account may watch what it may see.
READS = Needs(Scope.WATCHES_READ)
WRITES = Needs(Scope.WATCHES_WRITE)


@router.get("/watches", url_name="watches", auth=READS, response=WatchesJson)
def watches(
    request: HttpRequest, cursor: Cursor = "", limit: Limit = DEFAULT_LIMIT
) -> HttpResponse:
    """List what you watch, the newest first."""
    page, next_cursor = page_of(list_watches(_owner(request)), cursor, limit)
    items = [watch_json(each) for each in page]
    return respond(WatchesJson(items=items, next_cursor=next_cursor))


@router.post("/watches", auth=WRITES, response={201: WatchJson})
@idempotent
def begin_watch(request: HttpRequest, asked: WatchAsked) -> HttpResponse:
    """Be told of copies of what an album has, or a search; what is watched already, anew."""
    owner = _owner(request)
    wishes = _wishes(asked, owner)
    with transaction.atomic():  # a search that cannot be watched is not saved, either
        watch = services.begin_watch(owner, _watched(asked, owner), wishes)
    headers = {"Location": reverse("api:watch", args=(watch.pk,))}
    return _told(request, watch.pk, status=201, headers=headers)


@router.get("/watches/hits", url_name="watch_hits", auth=READS, response=WatchHitsJson)
def watch_hits(
    request: HttpRequest,
    which: Query[WatchHitFilters],
    cursor: Cursor = "",
    limit: Limit = DEFAULT_LIMIT,
) -> HttpResponse:
    """List what your watches found, or one of them, or what is new and unseen; the newest first."""
    owner = _owner(request)
    found = list_unseen(owner) if which.unseen else list_hits(owner)
    if which.watch is not None:
        found = found.filter(watch=which.watch)
    page, next_cursor = page_of(found, cursor, limit, moment="found_at")
    items = [watch_hit_json(each) for each in page]
    return respond(WatchHitsJson(items=items, next_cursor=next_cursor))


@router.post("/watches/hits/seen", url_name="hits_seen", auth=WRITES, response=SeenJson)
def mark_hits_seen(request: HttpRequest, asked: HitsSeen) -> HttpResponse:
    """Say that you have looked at these of your watches' hits."""
    return respond(SeenJson(marked=services.mark_seen(_owner(request), asked.hits)))


@router.get("/watches/{uuid:watch_id}", url_name="watch", auth=READS, response=WatchJson)
def read_watch(request: HttpRequest, watch_id: UUID) -> HttpResponse:
    """Read one of your watches."""
    watch = get_object_or_404(list_watches(_owner(request)), pk=watch_id)
    return respond(watch_json(watch))


@router.patch("/watches/{uuid:watch_id}", auth=WRITES, response=WatchJson)
def change_watch(request: HttpRequest, watch_id: UUID, wishes: WatchWishes) -> HttpResponse:
    """Be told otherwise: all of it is said anew."""
    owner = _owner(request)
    watch = get_object_or_404(list_watches(owner), pk=watch_id)
    services.change_watch(watch, _wishes(wishes, owner))
    return _told(request, watch_id)


@router.delete("/watches/{uuid:watch_id}", auth=WRITES, response={204: None})
def end_watch(request: HttpRequest, watch_id: UUID) -> HttpResponse:
    """End one of your watches; what it found goes with it."""
    get_object_or_404(list_watches(_owner(request)), pk=watch_id).delete()
    return HttpResponse(status=204)


def _owner(request: HttpRequest) -> Any:
    """Return who asks: an account, since visitors are not let in."""
    return request.user


def _watched(asked: WatchAsked, owner: Any) -> Album | SavedSearch:
    ways = (asked.album, asked.saved_search, asked.search)
    if sum(each is not None for each in ways) != 1:
        raise UserInputError("watch:user:what")
    if asked.album is not None:
        return get_object_or_404(list_watchable_albums(owner), pk=asked.album)
    if asked.search is not None:
        return save_search(owner, address=asked.search, name="")
    return get_object_or_404(list_saved(owner), pk=asked.saved_search)


def _wishes(asked: WatchWishes, owner: Any) -> Wishes:
    if asked.by_mail and not (mail.is_configured() and mail.is_possible_for(owner)):
        raise UserInputError("watch:user:no-mail")
    return Wishes(
        rung=asked.rung,
        by_mail=asked.by_mail,
        url=asked.webhook_url,
        language=get_language() or "en",
    )


def _told(request: HttpRequest, watch_id: UUID, **more: Any) -> HttpResponse:
    watch = get_object_or_404(list_watches(_owner(request)), pk=watch_id)
    return respond(watch_json(watch, with_secret=True), **more)
