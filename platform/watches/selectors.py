"""What may be told of watches, and to whom; nothing here writes."""

from collections.abc import Iterable
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Count, Q, QuerySet

from catalog.models import Album
from catalog.selectors import find_images, is_current
from catalog.visibility import hidden_albums, is_in, list_albums
from search.models import SavedSearch
from watches.models import Watch, WatchHit

# The header says "99+" beyond.
MAX_COUNTED = 99
# What leads from a hit to the image that it copies: of an album, or named by a saved search.
_WATCHED = ("watched_image", "saved_picture__image")


def list_watches(owner: User) -> QuerySet[Watch]:
    """Return what an account watches; albums that became private to others are left out."""
    watches = Watch.objects.filter(owner=owner).select_related("saved_search", "album", "webhook")
    return watches.filter(Q(album=None) | Q(album__in=list_albums(owner)))


def list_hits(owner: User) -> QuerySet[WatchHit]:
    """Return the hits that an account may be told of just now.

    Both images have to be current and theirs to see, and so has the album that is watched.
    """
    hits = WatchHit.objects.filter(watch__owner=owner).filter(is_current("image"))
    for watched in _WATCHED:
        hits = hits.filter(Q(**{watched: None}) | is_current(watched))
    hidden = list(hidden_albums(owner))
    if not hidden:
        return hits
    for image in ("image", *_WATCHED):
        hits = hits.exclude(is_in(hidden, image=image))
    return hits.filter(Q(watch__album=None) | ~Q(watch__album__in=hidden))


def list_unseen(owner: User) -> QuerySet[WatchHit]:
    """Return those that are new and that they have not looked at."""
    return list_hits(owner).filter(seen_at=None, is_before=False)


def count_unseen(owner: User) -> int:
    """Return how many hits are new to an account; counts to one more than `MAX_COUNTED`."""
    return list_unseen(owner).order_by()[: MAX_COUNTED + 1].count()


def count_by_watch(owner: User, watch_ids: Iterable[UUID]) -> dict[UUID, tuple[int, int]]:
    """Return watch → how many new hits it has, and how many of them are unseen."""
    rows = list_hits(owner).filter(watch__in=list(watch_ids), is_before=False).order_by()
    counted = rows.values("watch").annotate(
        hits=Count("pk"), unseen=Count("pk", filter=Q(seen_at=None))
    )
    return {row["watch"]: (row["hits"], row["unseen"]) for row in counted}


def list_watchable_albums(owner: User) -> QuerySet[Album]:
    """Return the albums that an account may know of."""
    return list_albums(owner)


def is_watchable(saved: SavedSearch, owner: User) -> bool:
    """Return whether a saved search names a picture to watch that its owner may see."""
    liked = [each for each in saved.pictures.all() if not each.is_unlike]
    visible = find_images([each.image_id for each in liked if each.image_id], owner)
    return any(each.query_id or each.image_id in visible for each in liked)
