"""`manage.py bench watches --images N`: what many watches cost each new image, in SQL.

Of rows alone, in a scratch database: embedding, the index and pixels cost the same for any number
of watched albums, and of the pictures of saved searches at most twenty are compared.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bench.made_catalogue import add_rows
from catalog.models import Album, EncoderVersion, Image
from catalog.selectors import list_current_images
from jobs.models import JobRecord
from kernel import task_names
from search.models import SavedPicture, SavedSearch
from watches.models import Arrival, Look, Watch, WatchHit
from worker_api import jobs, watches

_MS: Final = 1000.0
# Images of an album that a new one is found to be like, and looked up.
_MATCHED, _NEAR = 3, 20
_ROUNDS: Final = 5


@dataclass(frozen=True, slots=True)
class WatchFigures:
    """What one new image cost beside `watches` watches, the median of some.

    Attributes:
        watches: half of them of albums, half of saved searches, each of an account of its own.
        looks: watched pictures, once for each that watches them.
        image_queries: of taking the image and recording what it is a copy of.
        image_ms: of the same.
        look_queries: of asking whether something watched has still to be looked for.
        look_ms: of the same; asked once a chunk of images, and every ten seconds.
    """

    watches: int
    looks: int
    image_queries: int
    image_ms: float
    look_queries: int
    look_ms: float


def measure(counts: Sequence[int]) -> Iterator[WatchFigures]:
    """Yield the figures of each count, of the catalogue that `made_catalogue.fill` made."""
    fields = {"weights_sha256": "0" * 64, "preprocessing_sha256": "0" * 64, "dim": 1}
    EncoderVersion.objects.create(encoder="none", state=EncoderVersion.State.LIVE, **fields)
    job = JobRecord.objects.create(name=task_names.CHECK_WATCHES, queue="maintenance")
    delivery = jobs.claim(job.pk)
    for count in counts:
        yield _measured(count, delivery)


def _measured(count: int, delivery: jobs.Delivery) -> WatchFigures:
    near, pictures = _watch(count)
    watches.claim_looks(delivery=delivery)  # all are done: that is remembered
    compared, asked = [], []
    for image in list_current_images().exclude(pk__in=near).order_by("pk")[:_ROUNDS]:
        compared.append(_timed(partial(_compare, image, near, pictures, delivery)))
        asked.append(_timed(partial(watches.claim_looks, delivery=delivery)))
    return WatchFigures(count, Look.objects.count(), *_middle(compared), *_middle(asked))


def _middle(measured: Sequence[tuple[int, float]]) -> tuple[int, float]:
    """Return queries and milliseconds of the one that took neither longest nor shortest."""
    return sorted(measured, key=lambda each: each[1])[len(measured) // 2]


def _compare(
    image: Image, near: Sequence[UUID], pictures: Sequence[int], delivery: jobs.Delivery
) -> None:
    Arrival.objects.create(image=image)
    watches.claim_arrivals(delivery=delivery)
    scope = watches.read_scope()
    watches.list_watched_regions(near, scope.albums)
    matches = [
        watches.Match(image.pk, watched, (), watches.EDITED_COPY, 0.9)
        for watched in near[:_MATCHED]
    ]
    matches += [watches.Match(image.pk, None, tuple(pictures[:1]), watches.EDITED_COPY, 0.9)]
    watches.record_arrival(image.pk, matches, delivery=delivery)


def _timed(work: Callable[[], object]) -> tuple[int, float]:
    """Return how many queries it asked, and how many milliseconds it took."""
    with CaptureQueriesContext(connection) as captured:
        started = time.perf_counter()
        work()
        took_ms = (time.perf_counter() - started) * _MS
    return len(captured), took_ms


def _watch(count: int) -> tuple[list[UUID], list[int]]:
    """Watch so much, all of it looked for; return images of the first album, and saved pictures."""
    rows: tuple[Any, ...] = (WatchHit, Watch, SavedSearch, Arrival)
    for model in rows:
        model.objects.all().delete()
    User.objects.filter(username__startswith="watcher").delete()
    owners = add_rows(User(username=f"watcher {number}") for number in range(count))
    albums = list(Album.objects.filter(groups=None).order_by("pk"))
    of_searches = count // 2
    of_albums = add_rows(
        Watch(owner=owner, album=albums[number % len(albums)])
        for number, owner in enumerate(owners[of_searches:])
    )
    images = {
        album.pk: list(album.images.order_by("pk").values_list("pk", flat=True))
        for album in albums[: len(of_albums)]
    }
    now = timezone.now()
    add_rows(
        Look(watch=watch, image_id=image_id, done_at=now)
        for watch in of_albums
        for image_id in images[watch.album_id]
    )
    shown = list_current_images().order_by("-pk")[:of_searches]
    searches = add_rows(
        SavedSearch(owner=owner, name="saved", address=f"image={image.pk}")
        for owner, image in zip(owners, shown, strict=False)
    )
    pictures = add_rows(
        SavedPicture(search=search, image=image, is_unlike=False)
        for search, image in zip(searches, shown, strict=True)
    )
    of_saved = add_rows(Watch(owner=each.owner, saved_search=each) for each in searches)
    add_rows(
        Look(watch=watch, saved_picture=picture, done_at=now)
        for watch, picture in zip(of_saved, pictures, strict=True)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return images[albums[0].pk][:_NEAR], [picture.pk for picture in pictures]
