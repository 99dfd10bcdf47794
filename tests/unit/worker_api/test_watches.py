"""What is recorded of a new image: for each of many watches, and in a few questions."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog.models import Album, EncoderVersion, Image
from jobs.models import Delivery, JobRecord
from kernel.task_names import CHECK_WATCHES, QUEUES
from search.models import SavedPicture, SavedSearch
from tests.rows import new_images
from watches.models import Arrival, Look, Watch, WatchHit
from worker_api import jobs, watches
from worker_api.watches import Match

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("version")]

SAME, EDITED = watches.NEAR_IDENTICAL, watches.EDITED_COPY


@pytest.fixture
def delivery(broker: object) -> Delivery:
    return jobs.claim(JobRecord.objects.create(name=CHECK_WATCHES, queue=QUEUES[CHECK_WATCHES]).pk)


@pytest.fixture
def images(version: EncoderVersion) -> list[UUID]:
    """Four images; all are indexed."""
    ids = new_images(4)
    Image.objects.update(status="indexed")
    return ids


@pytest.fixture
def watch() -> Callable[..., list[Watch]]:
    """Return what has an album, or an image, be watched by new accounts."""

    def begin(count: int, of: Album | UUID, rung: str = EDITED) -> list[Watch]:
        begun = []
        for number in range(count):
            owner = User.objects.create_user(f"{User.objects.count()}-{number}")
            if isinstance(of, Album):
                key: dict[str, object] = {"album": of}
            else:
                saved = SavedSearch.objects.create(owner=owner, name="s", address=f"image={of}")
                SavedPicture.objects.create(search=saved, image_id=of)
                key = {"saved_search": saved}
            begun.append(Watch.objects.create(owner=owner, rung=rung, **key))
        return begun

    return begin


def hits() -> set[tuple[UUID, UUID, UUID | None, str]]:
    """Watch, image, and what it copies."""
    rows = WatchHit.objects.select_related("saved_picture")
    return {
        (row.watch_id, row.image_id, row.watched_image_id or row.saved_picture.image_id, row.rung)
        for row in rows
    }


def test_each_watch_of_a_picture_is_told_down_to_its_rung(
    images: list[UUID], watch: Callable[..., list[Watch]], delivery: Delivery
) -> None:
    first, second, saved, new = images
    one, other = Album.objects.create(name="one"), Album.objects.create(name="other")
    one.images.set([first, second])
    other.images.set([second])
    ours, theirs = watch(2, one), watch(1, other)
    [strict] = watch(1, one, SAME)
    searches = watch(2, saved)
    watch(1, first, SAME)
    pictures = tuple(SavedPicture.objects.values_list("pk", flat=True))
    matches = [
        Match(new, first, (), EDITED, 0.9),
        Match(new, second, (), SAME, 0.9),
        Match(new, None, pictures, EDITED, 0.8),
        Match(new, new, (), SAME, 1.0),
    ]

    assert watches.record_arrival(new, matches, delivery=delivery) == 8

    assert hits() == {
        *((each.pk, new, first, EDITED) for each in ours),
        *((each.pk, new, second, SAME) for each in (*ours, *theirs, strict)),
        *((each.pk, new, saved, EDITED) for each in searches),
    }
    assert watches.record_arrival(new, matches, delivery=delivery) == 0  # again: nothing is new


def test_a_pair_of_one_album_is_told_once(
    images: list[UUID], watch: Callable[..., list[Watch]], delivery: Delivery
) -> None:
    one, other, *_ = images
    album = Album.objects.create(name="one")
    album.images.set([one, other])
    [begun] = watch(1, album)
    assert watches.record_arrival(one, [Match(one, other, (), SAME, 1.0)], delivery=delivery) == 1

    turned = [Match(other, one, (), SAME, 1.0)]

    assert watches.record_arrival(other, turned, delivery=delivery) == 0
    assert hits() == {(begun.pk, one, other, SAME)}


def test_a_hundred_watches_of_a_picture_cost_no_more_questions_than_one(
    images: list[UUID], watch: Callable[..., list[Watch]], delivery: Delivery
) -> None:
    first, second, saved, new = images
    album = Album.objects.create(name="one")
    album.images.set([first, second])

    def questions() -> tuple[int, int]:
        WatchHit.objects.all().delete()
        Arrival.objects.create(image_id=new)
        pictures = tuple(SavedPicture.objects.values_list("pk", flat=True))
        matches = [Match(new, each, (), SAME, 0.9) for each in (first, second)]
        matches.append(Match(new, None, pictures, SAME, 0.9))
        with CaptureQueriesContext(connection) as captured:
            recorded = watches.record_arrival(new, matches, delivery=delivery)
        return recorded, len(captured)

    watch(1, album)
    watch(1, saved)
    few, asked = questions()
    watch(99, album)
    watch(99, saved)
    many, asked_of_many = questions()

    assert (few, many) == (3, 300)
    assert asked_of_many <= asked + 3  # SQLite takes some ninety rows at a time


def looked_for(delivery: Delivery) -> set[UUID | None]:
    """Images that are to be compared with the catalogue now; their looks are done with that."""
    claimed = watches.claim_looks(delivery=delivery)
    for each in claimed:
        watches.record_look(each.look_id, [], delivery=delivery)
    return {each.picture.image_id for each in claimed}


def test_what_comes_into_a_watched_album_is_looked_for_at_once(
    images: list[UUID], watch: Callable[..., list[Watch]], delivery: Delivery
) -> None:
    first, second, third, _ = images
    Image.objects.filter(pk=third).update(status="queued")
    album = Album.objects.create(name="one")
    album.images.set([first, third])
    watch(2, album)
    asked = [looked_for(delivery) for _ in range(3)]
    assert asked == [{first}, {first}, set()]

    album.images.add(second)
    assert [looked_for(delivery) for _ in range(3)] == [{second}, {second}, set()]

    Image.objects.filter(pk=third).update(status="indexed", indexed_at=timezone.now())
    assert [looked_for(delivery) for _ in range(3)] == [{third}, {third}, set()]


def test_what_comes_back_is_looked_for_within_minutes(
    images: list[UUID], watch: Callable[..., list[Watch]], delivery: Delivery
) -> None:
    first, second, *_ = images
    Image.objects.filter(pk=second).update(binned_at=timezone.now())
    album = Album.objects.create(name="one")
    album.images.set([first, second])
    watch(1, album)
    assert [looked_for(delivery) for _ in range(2)] == [{first}, set()]
    Image.objects.filter(pk=second).update(binned_at=None)

    Watch.objects.update(looked_through_at=timezone.now() - timedelta(minutes=6))

    assert [looked_for(delivery) for _ in range(2)] == [{second}, set()]


def test_albums_that_were_looked_through_are_not_gone_through_again(
    images: list[UUID], watch: Callable[..., list[Watch]], delivery: Delivery
) -> None:
    album = Album.objects.create(name="one")
    album.images.set(images[:2])
    watch(1, album)
    assert [len(looked_for(delivery)) for _ in range(2)] == [2, 0]

    Look.objects.all().delete()  # asked once more, they would be missed

    assert looked_for(delivery) == set()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="it is SQLite that went astray")
def test_new_images_are_taken_without_going_through_the_catalogue(
    images: list[UUID], delivery: Delivery
) -> None:
    Arrival.objects.bulk_create(Arrival(image_id=each) for each in images[:2])
    with CaptureQueriesContext(connection) as captured:
        taken = watches.claim_arrivals(delivery=delivery)
    assert [each.id for each in taken] == images[:2]

    asked = [each["sql"] for each in captured if each["sql"].startswith("SELECT")]
    plans = []
    with connection.cursor() as cursor:
        for sql in asked:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            plans += [row[-1] for row in cursor.fetchall()]

    of_images = {plan for plan in plans if "catalog_image" in plan}
    assert of_images
    assert not [plan for plan in of_images if plan.startswith("SCAN") or "status" in plan]
