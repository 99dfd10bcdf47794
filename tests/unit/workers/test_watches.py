"""What is watched: real pictures, compared as workers compare them, and what is found once."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from PIL import Image as Pillow

from catalog import services as catalog
from catalog import storage
from catalog.models import Album, EncoderVersion, Image
from jobs.models import Delivery, JobRecord
from jobs.services import JobTakenOver
from kernel.errors import TransientError
from kernel.task_names import CHECK_WATCHES, QUEUES
from search import query_files
from search.saved import save_search
from tests.conftest import AddImage
from tests.fakes import FaultyIndex
from tests.unit.ml.copies.scenes import cut, scene, written_over
from tests.unit.ml.panels.pictures import collage, grid
from tests.unit.workers.conftest import index_all, with_index
from vectors.errors import VectorStoreUnavailable
from watches.checks import enqueue_watch_checks
from watches.models import Arrival, Look, Rung, Watch, WatchHit
from watches.services import Wishes, begin_watch
from worker_api import jobs
from workers import catalogue_hashes, watches
from workers.model_pool import Loaded
from workers.watches import check_watches

pytestmark = pytest.mark.django_db(transaction=True)

ORIGINAL, OTHER = scene(1), scene(2)
WISHES = Wishes(Rung.EDITED_COPY, by_mail=False, url="", language="en")
Bring = Callable[..., Image]


@pytest.fixture(autouse=True)
def fresh_memory(media: Path):
    def clear() -> None:
        catalogue_hashes.get.cache_clear()
        watches._embeddings.clear()
        watches._decoded.cache_clear()
        watches._extracted_once.cache_clear()

    clear()
    yield
    clear()


@pytest.fixture
def owner(db) -> User:
    return User.objects.create_user("owner")


@pytest.fixture
def bring(add_image: AddImage, loaded: Loaded) -> Bring:
    """Add a picture and index it, perhaps in an album."""

    def bring(pixels: np.ndarray, title: str, *albums: Album, **fields: object) -> Image:
        image = add_image(png(pixels), title, **fields)
        image.albums.set(albums)
        index_all([image.pk], loaded)
        image.refresh_from_db()
        return image

    return bring


@pytest.fixture
def album(db) -> Album:
    return Album.objects.create(name="ours")


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG")
    return buffer.getvalue()


def smaller(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(Pillow.fromarray(pixels).resize((200, 150)))


def new_delivery() -> Delivery:
    job = JobRecord.objects.create(name=CHECK_WATCHES, queue=QUEUES[CHECK_WATCHES])
    return jobs.claim(job.pk)


def check(loaded: Loaded) -> None:
    delivery = new_delivery()
    check_watches(loaded, delivery=delivery)
    jobs.succeed(delivery)


def hits() -> set[tuple[str, str, str, bool]]:
    """Title → what it copies, rung, and whether it was there before."""
    rows = WatchHit.objects.select_related("image", "watched_image")
    return {
        (
            row.image.title,
            row.watched_image.title if row.watched_image else "upload",
            row.rung,
            row.is_before,
        )
        for row in rows
    }


EDITS = {
    "smaller": (smaller(ORIGINAL), "near-identical"),
    "cropped": (cut(ORIGINAL, 16, 12, 304, 228), "edited-copy"),
    "captioned": (written_over(ORIGINAL, "SUMMER"), "edited-copy"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_new_copy_of_a_picture_in_an_album_is_a_hit(
    bring: Bring, loaded: Loaded, owner: User, album: Album, edit: str
) -> None:
    pixels, rung = EDITS[edit]
    bring(ORIGINAL, "original", album)
    bring(OTHER, "other", album)
    begin_watch(owner, album, WISHES)
    check(loaded)
    assert hits() == set()

    bring(pixels, "copy")
    bring(scene(3), "no copy")
    check(loaded)

    assert hits() == {("copy", "original", rung, False)}
    assert not Arrival.objects.exists()


@pytest.mark.parametrize("edit", EDITS)
def test_a_new_copy_of_a_saved_upload_is_a_hit(
    bring: Bring, loaded: Loaded, owner: User, edit: str
) -> None:
    pixels, rung = EDITS[edit]
    upload = query_files.write(png(ORIGINAL))
    saved = save_search(owner, address=f"query={upload}", name="")
    begin_watch(owner, saved, WISHES)

    bring(pixels, "copy")
    bring(OTHER, "no copy")
    check(loaded)

    assert hits() == {("copy", "upload", rung, False)}


def test_a_part_of_an_upload_is_watched_alone(bring: Bring, loaded: Loaded, owner: User) -> None:
    # given a page with two pictures beside each other, of which one is watched
    page = np.hstack([ORIGINAL, OTHER])
    height, width = ORIGINAL.shape[:2]
    upload = query_files.write(png(page))
    saved = save_search(owner, address=f"query={upload}&box=0,0,{width},{height}", name="")
    begin_watch(owner, saved, WISHES)

    bring(smaller(ORIGINAL), "copy of the left")
    bring(smaller(OTHER), "copy of the right")
    check(loaded)

    assert hits() == {("copy of the left", "upload", "near-identical", False)}


def test_an_image_of_the_catalogue_is_watched_by_its_saved_search(
    bring: Bring, loaded: Loaded, owner: User
) -> None:
    original = bring(ORIGINAL, "original")
    saved = save_search(owner, address=f"image={original.pk}", name="")
    begin_watch(owner, saved, WISHES)

    bring(smaller(ORIGINAL), "copy")
    check(loaded)

    assert hits() == {("copy", "upload", "near-identical", False)}


def test_watched_pictures_are_decoded_once_however_many_images_come(
    bring: Bring, loaded: Loaded, owner: User
) -> None:
    for number in range(4, 10):  # more than stay decoded
        picture = bring(scene(number), f"watched {number}")
        begin_watch(owner, save_search(owner, address=f"image={picture.pk}", name=""), WISHES)
    bring(OTHER, "first")
    check(loaded)
    decoded = watches._decoded.cache_info().misses

    bring(smaller(scene(7)), "copy")
    check(loaded)

    assert watches._decoded.cache_info().misses == decoded
    assert ("copy", "upload", "near-identical", False) in hits()


def test_a_picture_in_a_new_collage_is_a_hit(
    bring: Bring, loaded: Loaded, owner: User, album: Album
) -> None:
    boxes, size = grid(2, 2, cell=(320, 240), gutter=20, margin=20)
    page = collage(boxes, size, seed=2)
    x0, y0, x1, y1 = boxes[2]
    bring(page[y0:y1, x0:x1], "panel", album)
    begin_watch(owner, album, WISHES)

    bring(page, "collage")
    check(loaded)

    assert hits() == {("collage", "panel", "edited-copy", False)}


def test_what_was_there_is_looked_through_once_and_is_not_new(
    bring: Bring, loaded: Loaded, owner: User, album: Album
) -> None:
    bring(smaller(ORIGINAL), "copy")
    bring(ORIGINAL, "original", album)
    enqueue_watch_checks()  # nothing is watched: what has come in is forgotten
    begin_watch(owner, album, WISHES)

    check(loaded)
    check(loaded)

    assert hits() == {("copy", "original", "near-identical", True)}
    assert Look.objects.count() == 1
    assert not enqueue_watch_checks()


def test_a_picture_that_enters_a_watched_album_is_compared_with_what_is_there(
    bring: Bring, loaded: Loaded, owner: User, album: Album
) -> None:
    bring(smaller(ORIGINAL), "copy")
    begin_watch(owner, album, WISHES)
    later = bring(ORIGINAL, "original")
    check(loaded)
    assert hits() == set()

    later.albums.add(album)
    assert enqueue_watch_checks()
    check(loaded)

    assert hits() == {("copy", "original", "near-identical", True)}


def test_two_copies_in_one_album_are_one_hit(
    bring: Bring, loaded: Loaded, owner: User, album: Album
) -> None:
    bring(ORIGINAL, "original", album)
    begin_watch(owner, album, WISHES)
    check(loaded)

    bring(smaller(ORIGINAL), "copy", album)
    check(loaded)

    assert hits() == {("copy", "original", "near-identical", False)}


def test_rungs_below_the_chosen_one_are_not_told(
    bring: Bring, loaded: Loaded, owner: User, album: Album
) -> None:
    bring(ORIGINAL, "original", album)
    begin_watch(owner, album, Wishes(Rung.NEAR_IDENTICAL, by_mail=False, url="", language="en"))

    bring(smaller(ORIGINAL), "the same")
    bring(written_over(ORIGINAL, "SUMMER"), "edited")
    check(loaded)

    assert hits() == {("the same", "original", "near-identical", False)}


def test_the_same_subject_is_told_where_that_is_chosen(
    bring: Bring, loaded: Loaded, owner: User, album: Album
) -> None:
    EncoderVersion.objects.update(
        calibration={"thresholds": [{"asked_precision": 0.9, "threshold": 0.99}]}
    )
    bring(plain_halves((200, 40, 40), (40, 40, 200)), "original", album)
    begin_watch(owner, album, Wishes(Rung.SAME_SUBJECT, by_mail=False, url="", language="en"))

    bring(plain_halves((199, 42, 41), (38, 41, 203)), "alike")
    bring(plain_halves((20, 240, 40), (240, 140, 20)), "unlike")
    check(loaded)

    assert {title for title, *_ in hits()} == {"alike"}


def plain_halves(left: tuple[int, ...], right: tuple[int, ...]) -> np.ndarray:
    pixels = np.zeros((240, 320, 3), np.uint8)
    pixels[:, :160], pixels[:, 160:] = left, right
    return pixels


@pytest.mark.parametrize("away", ["held_at", "binned_at"])
def test_what_is_held_or_binned_is_compared_once_it_is_back(
    bring: Bring, loaded: Loaded, owner: User, album: Album, away: str
) -> None:
    bring(ORIGINAL, "original", album)
    begin_watch(owner, album, WISHES)
    copy = bring(smaller(ORIGINAL), "copy", **{away: timezone.now()})
    check(loaded)
    assert hits() == set()

    Image.objects.filter(pk=copy.pk).update(**{away: None})
    assert enqueue_watch_checks()
    check(loaded)

    assert hits() == {("copy", "original", "near-identical", False)}


def test_indexing_again_tells_nothing_again(
    bring: Bring, loaded: Loaded, owner: User, album: Album
) -> None:
    bring(ORIGINAL, "original", album)
    begin_watch(owner, album, WISHES)
    copy = bring(smaller(ORIGINAL), "copy")
    check(loaded)
    WatchHit.objects.update(seen_at=timezone.now())

    catalog.request_indexing(Image.objects.filter(pk=copy.pk))
    index_all([copy.pk], loaded)
    check(loaded)

    assert WatchHit.objects.get().seen_at is not None
    assert not Arrival.objects.exists()


def test_nothing_is_lost_when_the_index_is_away(
    bring: Bring, loaded: Loaded, owner: User, album: Album
) -> None:
    bring(ORIGINAL, "original", album)
    begin_watch(owner, album, WISHES)
    check(loaded)
    bring(smaller(ORIGINAL), "copy")
    away = FaultyIndex(loaded.index, "search", lambda: VectorStoreUnavailable(reason="down"))

    with pytest.raises(TransientError):
        check(with_index(loaded, away))
    assert list(Arrival.objects.values_list("tries", flat=True)) == [0]
    check(loaded)

    assert hits() == {("copy", "original", "near-identical", False)}


def test_a_worker_that_dies_leaves_what_it_had_to_the_next(
    bring: Bring, loaded: Loaded, owner: User, album: Album
) -> None:
    # given a worker that ends while it compares
    bring(ORIGINAL, "original", album)
    begin_watch(owner, album, WISHES)
    check(loaded)
    bring(smaller(ORIGINAL), "copy")
    dying = FaultyIndex(loaded.index, "search", KeyboardInterrupt)

    with pytest.raises(KeyboardInterrupt):
        check(with_index(loaded, dying))

    # then the image is still there, and its try is counted
    assert list(Arrival.objects.values_list("tries", flat=True)) == [1]
    check(loaded)
    assert hits() == {("copy", "original", "near-identical", False)}


def test_a_picture_that_ends_every_worker_is_left_out(
    bring: Bring, loaded: Loaded, owner: User, album: Album
) -> None:
    bring(ORIGINAL, "original", album)
    begin_watch(owner, album, WISHES)
    check(loaded)
    bring(smaller(ORIGINAL), "copy")
    dying = FaultyIndex(loaded.index, "search", KeyboardInterrupt)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            check(with_index(loaded, dying))

    check(loaded)

    assert hits() == set()
    assert not Arrival.objects.exists()


def test_a_worker_whose_job_was_taken_over_records_nothing(
    bring: Bring, loaded: Loaded, owner: User, album: Album
) -> None:
    bring(ORIGINAL, "original", album)
    begin_watch(owner, album, WISHES)
    bring(smaller(ORIGINAL), "copy")
    delivery = new_delivery()
    JobRecord.objects.filter(pk=delivery.job_id).update(deliveries=2)

    with pytest.raises(JobTakenOver):
        check_watches(loaded, delivery=delivery)

    assert hits() == set()
    assert Arrival.objects.filter(tries=0).count() == Arrival.objects.count() == 2


def test_an_upload_that_is_lost_keeps_nothing_else_from_being_told(
    bring: Bring, loaded: Loaded, owner: User, album: Album
) -> None:
    upload = query_files.write(png(OTHER))
    saved = save_search(owner, address=f"query={upload}", name="")
    begin_watch(owner, saved, WISHES)
    bring(ORIGINAL, "original", album)
    begin_watch(owner, album, WISHES)
    for folder in (query_files.FOLDER, query_files.SAVED):
        storage.delete(f"{folder}/{upload}")

    bring(smaller(ORIGINAL), "copy")
    check(loaded)

    assert hits() == {("copy", "original", "near-identical", False)}
    assert not enqueue_watch_checks()


def test_without_a_watch_no_job_is_left(bring: Bring, loaded: Loaded, album: Album) -> None:
    bring(ORIGINAL, "original", album)
    assert Arrival.objects.count() == 1

    assert not enqueue_watch_checks()
    assert not Arrival.objects.exists()


def test_what_is_deleted_goes_with_its_hits(
    bring: Bring, loaded: Loaded, owner: User, album: Album
) -> None:
    original = bring(ORIGINAL, "original", album)
    begin_watch(owner, album, WISHES)
    bring(smaller(ORIGINAL), "copy")
    check(loaded)
    assert WatchHit.objects.count() == 1

    Image.objects.filter(pk=original.pk).delete()
    assert WatchHit.objects.count() == 0
    album.delete()
    assert (Watch.objects.count(), Look.objects.count()) == (0, 0)
