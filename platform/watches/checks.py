"""New images are compared with what is watched, and what is watched with what is there (ADR 41).

`note_arrivals` leaves a row for each new image in the transaction that makes it findable; a worker
takes rows, and removes each in the transaction that records its hits: a worker that dies between
two steps leaves the row. That a watched picture was compared with the catalogue is a `Look`; those
without one are found by asking, so nobody has to tell of pictures that enter an album.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from catalog.models import Image
from catalog.selectors import get_live_encoder, is_current
from jobs import dispatch
from jobs.models import Delivery
from jobs.selectors import may_enqueue
from jobs.services import MAX_TRIES, JobTakenOver, hold
from kernel import task_names
from search.models import SavedPicture
from search.verdicts import Verdict, by_score
from watches.models import Arrival, Look, Rung, Watch, WatchHit

logger = logging.getLogger(__name__)

# Images or watched pictures that a worker takes at a time.
CHUNK = 16
# Without any watch, new images are forgotten by so many.
_FORGOTTEN_AT_ONCE = 5_000
# Images of an album that had all been looked for are gone through again so often.
_ASKED_EVERY = timedelta(minutes=5)
_LINKS = Image.albums.through.objects
# A picture that ended its worker again and again is left out.
_IS_OVER = Q(done_at__isnull=False) | Q(tries__gte=MAX_TRIES)
# Of a saved search, what it asks for; and only what is there.
IS_WATCHED = Q(is_unlike=False) & (Q(image=None) | is_current("image"))

Tried = TypeVar("Tried", Arrival, Look)


@dataclass(frozen=True, slots=True)
class Match:
    """What a worker found out about an image and a watched picture.

    Attributes:
        image_id: the image.
        watched_image_id: the watched picture where it is in an album; else None.
        saved_picture_ids: rows of saved searches that name the watched picture.
        copy_rung: what pixels prove; "" where they prove nothing.
        score: of the best pair of regions, None where it is not known, or says nothing.
    """

    image_id: UUID
    watched_image_id: UUID | None
    saved_picture_ids: tuple[int, ...]
    copy_rung: str
    score: float | None


@dataclass(frozen=True, slots=True)
class _Told:
    """A match that is far enough up to be told, and its rung."""

    match: Match
    rung: str

    def is_told_by(self, watch: Watch) -> bool:
        """Whether a watch tells so far down."""
        return self.rung in Rung(watch.rung).below

    def hit_of(self, watch: Watch, **watched: Any) -> WatchHit:
        """Return it as a hit, not saved."""
        match = self.match
        known = {"image_id": match.image_id, "rung": self.rung, "score": match.score}
        return WatchHit(watch=watch, **known, **watched)


def note_arrivals(image_ids: Iterable[UUID]) -> None:
    """Have images that can be found from now on be compared with what is watched."""
    Arrival.objects.bulk_create(
        (Arrival(image_id=image_id) for image_id in image_ids), ignore_conflicts=True
    )


def is_some_arrival_ready() -> bool:
    """Return whether a new image can be compared, and was not yet."""
    return _ready().filter(tries=0).exists()


def enqueue_watch_checks() -> bool:
    """Leave a job that compares, where something waits and none is at it."""
    if not Watch.objects.exists():
        _forget(_ready())
        return False
    if not may_enqueue(task_names.CHECK_WATCHES):
        return False
    if not _ready().exists() and _next_watch_to_look_for() is None:
        return False
    dispatch.enqueue(task_names.CHECK_WATCHES)
    return True


@transaction.atomic
def claim_arrivals(*, delivery: Delivery) -> list[Arrival]:
    """Return the next images that are to be compared, each one's try counted.

    One that may have ended its worker is taken alone, and left out after `MAX_TRIES`.

    Raises:
        JobTakenOver: another worker has the job.
    """
    _hold(delivery)
    _forget(_ready().filter(tries__gte=MAX_TRIES))
    ready = list(_ready().prefetch_related("image").order_by("pk")[:CHUNK])
    taken = _alone_if_tried(ready)
    Arrival.objects.filter(pk__in=[each.pk for each in taken]).update(tries=F("tries") + 1)
    return taken


@transaction.atomic
def record_arrival(image_id: UUID, matches: Sequence[Match], *, delivery: Delivery) -> int:
    """Record what a new image is a copy of, and that it was compared; return how many hits.

    Raises:
        JobTakenOver: another worker has the job.
    """
    _hold(delivery)
    recorded = _record(matches, is_before=False, only=None)
    Arrival.objects.filter(image=image_id).delete()
    return recorded


def give_back_arrivals(image_ids: Iterable[UUID]) -> None:
    """Count no try: what ended it lies in none of these images."""
    arrivals = Arrival.objects.filter(image__in=list(image_ids), tries__gt=0)
    arrivals.update(tries=F("tries") - 1)


@transaction.atomic
def claim_looks(*, delivery: Delivery) -> list[Look]:
    """Return watched pictures that have still to be compared with what is there.

    Raises:
        JobTakenOver: another worker has the job.
    """
    _hold(delivery)
    watch = _next_watch_to_look_for()
    if watch is None:
        return []
    if watch.saved_search_id is None:
        keys: list[dict[str, Any]] = [{"image_id": pk} for pk in _images_to_look_for(watch)]
    else:
        keys = [{"saved_picture_id": pk} for pk in _saved_to_look_for(watch)]
    ids = [Look.objects.get_or_create(watch=watch, **key)[0].pk for key in keys]
    looks = Look.objects.filter(pk__in=ids).select_related(
        "watch", "image", "saved_picture__image", "saved_picture__search"
    )
    taken = _alone_if_tried(list(looks.order_by("tries", "pk")))
    Look.objects.filter(pk__in=[each.pk for each in taken]).update(tries=F("tries") + 1)
    return taken


@transaction.atomic
def record_look(look_id: int, matches: Sequence[Match], *, delivery: Delivery) -> int:
    """Record what was there already, and that it was looked for; return how many hits.

    An image that has still to be compared as a new one is left to that.

    Raises:
        JobTakenOver: another worker has the job.
    """
    _hold(delivery)
    look = Look.objects.select_related("watch").filter(pk=look_id).first()
    if look is None:  # the watch has ended, or the picture is gone
        return 0
    found = [match.image_id for match in matches]
    new = set(Arrival.objects.filter(image__in=found).values_list("image_id", flat=True))
    old = [match for match in matches if match.image_id not in new]
    recorded = _record(old, is_before=True, only=look.watch)
    Look.objects.filter(pk=look_id).update(done_at=timezone.now())
    return recorded


def give_back_looks(look_ids: Iterable[int]) -> None:
    """Count no try: what ended it lies in none of these pictures."""
    Look.objects.filter(pk__in=list(look_ids), tries__gt=0).update(tries=F("tries") - 1)


def _hold(delivery: Delivery) -> None:
    if not hold(delivery):
        raise JobTakenOver(delivery)


def _ready() -> QuerySet[Arrival]:
    """Arrivals that can be told: held ones, and those in the bin, wait until they are current."""
    # Not joined: SQLite would go through all indexed images, and look for each one's arrival.
    indexed = Image.objects.filter(is_current(), status=Image.Status.INDEXED)
    return Arrival.objects.filter(Exists(indexed.filter(pk=OuterRef("image"))))


def _forget(arrivals: QuerySet[Arrival]) -> None:
    """Compare these no more; a row that arrives meanwhile stays."""
    ids = list(arrivals.order_by().values_list("pk", flat=True)[:_FORGOTTEN_AT_ONCE])
    if ids:
        Arrival.objects.filter(pk__in=ids).delete()


def _alone_if_tried(ready: Sequence[Tried]) -> list[Tried]:
    """Return those never tried before; where there is none, the first, alone."""
    untried = [each for each in ready if not each.tries]
    return untried or list(ready[:1])


def _next_watch_to_look_for() -> Watch | None:
    """Return a watch with a picture that was never compared with what is there."""
    watches = Watch.objects.select_related("saved_search").order_by("created_at", "pk")
    of_it = Look.objects.filter(_IS_OVER, watch=OuterRef(OuterRef("pk")))
    saved = SavedPicture.objects.filter(IS_WATCHED, search=OuterRef("saved_search"))
    saved = saved.exclude(Exists(of_it.filter(saved_picture=OuterRef("pk"))))
    of_saved = watches.filter(Exists(saved), saved_search__isnull=False).first()
    if of_saved is not None:
        return of_saved
    return _next_album_to_look_for(watches, of_it)


def _next_album_to_look_for(watches: QuerySet[Watch], looks: QuerySet[Look]) -> Watch | None:
    """Return the first watch of an album with an image that has no look.

    Asking that of every image of every watched album takes seconds for some hundreds of albums, so
    it is asked at once of those that something entered, or in which something was indexed, and of
    the others every `_ASKED_EVERY`: for what comes back from the bin, or was held.

    Args:
        watches: in their order.
        looks: those that are over, of the watch that is two queries further out.
    """
    now = timezone.now()
    last_link = _LINKS.order_by("-pk").values_list("pk", flat=True).first() or 0
    entered = _LINKS.filter(album=OuterRef("album"), pk__gt=OuterRef("looked_through_link"))
    indexed = _LINKS.filter(image__indexed_at__gte=now - _ASKED_EVERY).values("album")
    is_due = Q(looked_through_at=None) | Q(looked_through_at__lt=now - _ASKED_EVERY)
    due = watches.filter(is_due | Exists(entered) | Q(album__in=indexed), album__isnull=False)
    links = _LINKS.filter(
        is_current("image"), album=OuterRef("album"), image__status=Image.Status.INDEXED
    )
    links = links.exclude(Exists(looks.filter(image=OuterRef("image"))))
    found = due.filter(Exists(links)).first()
    through = due if found is None else due.filter(created_at__lt=found.created_at)
    ids = list(through.order_by().values_list("pk", flat=True))
    if ids:
        marks = {"looked_through_at": now, "looked_through_link": last_link}
        Watch.objects.filter(pk__in=ids).update(**marks)
    return found


def _saved_to_look_for(watch: Watch) -> list[int]:
    """Return the next pictures of a saved search that were never compared with what is there."""
    looked = Look.objects.filter(_IS_OVER, watch=watch, saved_picture=OuterRef("pk"))
    saved = SavedPicture.objects.filter(IS_WATCHED, search=watch.saved_search_id)
    left = saved.exclude(Exists(looked)).order_by("pk")
    return list(left.values_list("pk", flat=True)[:CHUNK])


def _images_to_look_for(watch: Watch) -> list[UUID]:
    """Return the next images of an album that were never compared with what is there."""
    looked = Look.objects.filter(_IS_OVER, watch=watch, image=OuterRef("image"))
    links = _LINKS.filter(
        is_current("image"), album=watch.album_id, image__status=Image.Status.INDEXED
    )
    left = links.exclude(Exists(looked)).order_by("pk")
    return list(left.values_list("image", flat=True)[:CHUNK])


def _record(matches: Sequence[Match], *, is_before: bool, only: Watch | None) -> int:
    """Write the hits of all watches, or of one, that the matches are far enough up for.

    Returns:
        How many of them are new.
    """
    calibration = get_live_encoder().calibration if matches else None
    rungs = ((match, _rung(match, calibration)) for match in matches)
    told = [_Told(match, rung) for match, rung in rungs if rung is not None]
    if not told:
        return 0
    hits = [*_hits_in_albums(told, _watches(only)), *_hits_in_searches(told, _watches(only))]
    for hit in hits:
        hit.is_before = is_before
    # Only of these images: counting all that were ever found takes longer with each.
    of_images = WatchHit.objects.filter(image__in={hit.image_id for hit in hits})
    before = of_images.count() if hits else 0
    WatchHit.objects.bulk_create(hits, ignore_conflicts=True)
    return of_images.count() - before if hits else 0


def _rung(match: Match, calibration: Mapping[str, Any] | None) -> str | None:
    """Return which rung a match is on; None where it is too far down to be told."""
    if match.copy_rung:
        return match.copy_rung
    if match.score is None:
        return None
    by_likeness = by_score(match.score, calibration)
    return Rung.SAME_SUBJECT.value if by_likeness is Verdict.SAME_SUBJECT else None


def _watches(only: Watch | None) -> QuerySet[Watch]:
    return Watch.objects.all() if only is None else Watch.objects.filter(pk=only.pk)


def _hits_in_albums(told: Sequence[_Told], watches: QuerySet[Watch]) -> list[WatchHit]:
    """Return the hits of watched albums, without those that are there the other way round.

    However many watch the same picture, it is asked as often; so with searches.
    """
    watched_ids = {each.match.watched_image_id for each in told} - {None}
    if not watched_ids:
        return []
    links = _LINKS.filter(image__in=watched_ids)
    watching: dict[int | None, list[Watch]] = {}
    for watch in watches.filter(album__in=links.values("album")):
        watching.setdefault(watch.album_id, []).append(watch)
    albums: dict[UUID | None, list[int]] = {}
    for image_id, album_id in links.filter(album__in=watching).values_list("image", "album"):
        albums.setdefault(image_id, []).append(album_id)
    new_ids = {each.match.image_id for each in told}
    turned = WatchHit.objects.filter(image__in=watched_ids, watched_image__in=new_ids)
    known = set(turned.values_list("watch", "image", "watched_image"))
    return [
        each.hit_of(watch, watched_image_id=watched_id)
        for each in told
        for watched_id in (each.match.watched_image_id,)
        for album_id in albums.get(watched_id, ())
        for watch in watching[album_id]
        if each.is_told_by(watch)
        and watched_id != each.match.image_id
        and (watch.pk, watched_id, each.match.image_id) not in known
    ]


def _hits_in_searches(told: Sequence[_Told], watches: QuerySet[Watch]) -> list[WatchHit]:
    """Return the hits of watched searches; an image is none of itself."""
    saved_ids = {pk for each in told for pk in each.match.saved_picture_ids}
    if not saved_ids:
        return []
    pictures = SavedPicture.objects.filter(IS_WATCHED, pk__in=saved_ids).in_bulk()
    watching: dict[UUID | None, list[Watch]] = {}
    searches = {picture.search_id for picture in pictures.values()}
    for watch in watches.filter(saved_search__in=searches):
        watching.setdefault(watch.saved_search_id, []).append(watch)
    return [
        each.hit_of(watch, saved_picture=picture)
        for each in told
        for picture in map(pictures.get, each.match.saved_picture_ids)
        if picture is not None and picture.image_id != each.match.image_id
        for watch in watching.get(picture.search_id, ())
        if each.is_told_by(watch)
    ]
