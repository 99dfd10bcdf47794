"""What people say of pictures reaches their points, whatever happens; no model runs."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from catalog import services as catalog
from catalog.models import Album, EncoderVersion, Image, Tag
from jobs import services
from jobs.models import JobRecord
from kernel.errors import DefectError
from kernel.task_names import UPDATE_PAYLOADS
from ml.detection.base import Detection
from ml.types import Box
from tests import fakes
from tests.conftest import AddImage, Broker
from tests.pictures import BLUE, GREEN, RED, plain
from tests.rows import new_images
from tests.unit.workers.conftest import index_all, with_detector, with_index
from vectors.errors import VectorStoreUnavailable
from vectors.index import EditablePayload, Point, VectorIndex, Where
from worker_api import jobs
from workers import payloads
from workers.app import app
from workers.indexing import index_images
from workers.model_pool import Loaded
from workers.payloads import update_payloads

pytestmark = pytest.mark.django_db(transaction=True)

State, Status = JobRecord.State, Image.Status


@pytest.fixture
def images(add_image: AddImage, loaded: Loaded, broker: Broker) -> list[Image]:
    """Three indexed images in an album, each with an object."""
    album = Album.objects.create(name="old")
    images = [add_image(plain(colour, (120, 80))) for colour in (RED, GREEN, BLUE)]
    album.images.set(images)
    cat = (Detection(Box(10, 10, 60, 60), "cat", 0.9),)
    index_all([one.pk for one in images], with_detector(loaded, fakes.GridDetector(lambda _: cat)))
    return images


def rename(name: str) -> None:
    """Rename the album as the admin does."""
    Album.objects.update(name=name)
    catalog.request_payload_update(Album.objects.get().images.all())


def work(broker: Broker) -> None:
    """Run what waits in the maintenance queue."""
    app.loader.import_default_modules()
    for message in broker.take("maintenance"):
        app.tasks[message.name](**json.loads(json.dumps(message.arguments)))


def claim_update() -> jobs.Delivery:
    job = JobRecord.objects.create(name=UPDATE_PAYLOADS, queue="maintenance")
    return jobs.claim(job.pk)


def albums_of_points(index: VectorIndex) -> set[tuple[str, ...]]:
    return {payload.albums for _, payload in index.scroll_payloads()}


def due() -> int:
    return Image.objects.filter(payload_due_at__isnull=False).count()


def test_a_renamed_album_reaches_every_point_and_no_model_runs(
    images: list[Image], loaded: Loaded, broker: Broker
) -> None:
    passes = len(loaded.encoder.batches)

    rename("new")
    work(broker)

    assert albums_of_points(loaded.index) == {("new",)}
    query = fakes.embed(fakes.Image.new("RGB", (9, 9), RED))[None]
    for kind in ("whole", "object"):  # labels and kinds are what they were
        where = Where(albums=("new",), labels=("cat",), kinds=(kind,))
        [hits] = loaded.index.search(query, k=9, where=where)
        assert {hit.image_id for hit in hits} == {image.pk for image in images}
    assert due() == 0
    assert len(loaded.encoder.batches) == passes
    assert set(Image.objects.values_list("status", flat=True)) == {Status.INDEXED}
    assert JobRecord.objects.get(name=UPDATE_PAYLOADS).state == State.SUCCEEDED


def found(index: VectorIndex, **where: object) -> set[tuple[UUID, str]]:
    """The image and kind of every point that meets a condition."""
    query = fakes.embed(fakes.Image.new("RGB", (9, 9), RED))[None]
    [hits] = index.search(query, k=99, where=Where(**where))
    return {(hit.image_id, hit.kind) for hit in hits}


def test_points_of_an_earlier_release_get_what_filters_ask_for(
    add_image: AddImage, loaded: Loaded, broker: Broker
) -> None:
    # given two indexed images, with points as an earlier release wrote them
    objects = (
        Detection(Box(10, 10, 60, 60), "cat", 0.9),
        Detection(Box(5, 30, 55, 78), "x", 0.2),
    )
    detector = fakes.GridDetector(lambda _: objects)
    images = [add_image(plain(colour, (120, 80))) for colour in (RED, GREEN)]
    old = OldIndex(loaded.index)
    index_all([one.pk for one in images], with_index(with_detector(loaded, detector), old))
    new = add_image(plain(BLUE, (60, 90)), owner="Ann", path="a/b/c.png")
    index_all([new.pk], with_detector(loaded, detector))
    Image.objects.exclude(pk=new.pk).update(owner="Ann", path="a/b/c.png", payload_format=None)
    Image.objects.update(payload_due_at=timezone.now())
    own = found(loaded.index, min_side=1)
    assert {pk for pk, _ in own} == {new.pk}
    assert found(loaded.index, owners=("Ann",)) == found(loaded.index, folders=("a/b",)) == own

    catalog.enqueue_due_payloads()
    work(broker)

    everything = found(loaded.index)
    assert len(everything) > len(own)
    assert found(loaded.index, owners=("Ann",), folders=("a",)) == everything
    assert found(loaded.index, min_side=91) == {one for one in everything if one[0] != new.pk}
    assert found(loaded.index, min_side=91, max_side=119) == set()
    sure = {(one.pk, kind) for one in (*images, new) for kind in ("whole", "object")}
    assert found(loaded.index, with_unsure=False) == sure
    assert unsure_points(loaded.index) == 3
    assert due() == 0
    assert set(Image.objects.values_list("payload_format", flat=True)) == {1}


class OldIndex:
    """A `VectorIndex` that writes points as an earlier release did."""

    def __init__(self, index: VectorIndex) -> None:
        self._index = index

    def __getattr__(self, name: str) -> object:
        return getattr(self._index, name)

    def upsert(self, points: Sequence[Point]) -> None:
        old = {"owner": "", "licence": "", "folders": (), "side": None, "is_unsure": False}
        stripped = [replace(one, payload=replace(one.payload, **old)) for one in points]
        self._index.upsert(stripped)


def unsure_points(index: VectorIndex) -> int:
    query = fakes.embed(fakes.Image.new("RGB", (9, 9), RED))[None]
    counts = [
        len(index.search(query, k=99, where=Where(with_unsure=each))[0]) for each in (True, False)
    ]
    return counts[0] - counts[1]


class CountingIndex:
    """A `VectorIndex` that keeps how many images each request for a payload names."""

    def __init__(self) -> None:
        self.requests: list[tuple[EditablePayload, int]] = []

    def set_payload(self, image_ids: Sequence[UUID], payload: EditablePayload) -> None:
        self.requests.append((payload, len(image_ids)))


def test_images_that_carry_the_same_share_a_request(
    version: EncoderVersion, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = new_images(1_500)
    album, tag = Album.objects.create(name="a"), Tag.objects.create(name="t")
    album.images.set(ids)
    tag.images.set(ids[:2])
    index = CountingIndex()
    monkeypatch.setattr(payloads, "open_index", lambda _: index)

    assert catalog.request_payload_update(album.images.all()) == 1_500
    update_payloads(delivery=claim_update())

    counts: dict[EditablePayload, int] = {}
    for payload, count in index.requests:
        counts[payload] = counts.get(payload, 0) + count
    assert counts == {
        EditablePayload("unknown", ("t",), ("a",)): 2,
        EditablePayload("unknown", (), ("a",)): 1_498,
    }
    assert len(index.requests) <= 4  # two rounds of at most two payloads
    assert due() == 0


def during(
    monkeypatch: pytest.MonkeyPatch, index: VectorIndex, *changes: Callable[[], object]
) -> None:
    """Have these done one by one, each before a request of payloads goes out."""
    left = list(changes)

    def change() -> None:
        if left:
            left.pop(0)()

    faulty = fakes.FaultyIndex(index, "set_payload", change)
    monkeypatch.setattr(payloads, "open_index", lambda _: faulty)


def test_what_changes_while_it_is_written_is_written_again(
    images: list[Image], loaded: Loaded, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename("new")
    during(monkeypatch, loaded.index, lambda: rename("newer"))

    work(broker)

    assert albums_of_points(loaded.index) == {("newer",)}
    assert due() == 0


def test_older_values_written_after_newer_ones_do_not_stay(
    images: list[Image], loaded: Loaded, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Two processes are at it: the slower one read the album before it was renamed again.
    def rename_and_write() -> None:
        rename("newer")
        update_payloads(delivery=claim_update())
        assert (albums_of_points(loaded.index), due()) == ({("newer",)}, 0)

    rename("new")
    during(monkeypatch, loaded.index, rename_and_write)

    work(broker)

    assert albums_of_points(loaded.index) == {("newer",)}
    assert due() == 0


def test_older_values_of_an_indexing_that_ends_after_newer_ones_do_not_stay(
    images: list[Image], loaded: Loaded, broker: Broker
) -> None:
    def rename_and_write() -> None:
        rename("new")
        work(broker)
        assert (albums_of_points(loaded.index), due()) == ({("new",)}, 0)

    slow = with_index(loaded, fakes.FaultyIndex(loaded.index, "upsert", rename_and_write))
    index_again(images[:1], slow)
    assert albums_of_points(loaded.index) == {("new",), ("old",)}
    assert due() == 1

    work(broker)

    assert albums_of_points(loaded.index) == {("new",)}
    assert set(Image.objects.values_list("status", flat=True)) == {Status.INDEXED}


def index_again(images: Iterable[Image], loaded: Loaded) -> None:
    ids = [image.pk for image in images]
    catalog.request_indexing(Image.objects.filter(pk__in=ids))
    index_all(ids, loaded)


def test_an_indexing_beside_which_nothing_changed_asks_for_no_payload(
    images: list[Image], loaded: Loaded, broker: Broker
) -> None:
    rename("new")
    work(broker)

    index_again(images, loaded)

    assert due() == 0
    assert albums_of_points(loaded.index) == {("new",)}


def test_older_values_of_a_worker_that_was_taken_over_do_not_stay(
    images: list[Image], loaded: Loaded, broker: Broker
) -> None:
    # It read the tags, stalled, and its successor, which read the newer ones, has ended.
    ids = [image.pk for image in images]
    catalog.enqueue_indexing(ids)
    job = Image.objects.values_list("job", flat=True).distinct().get()
    broker.take("bulk")

    def succeed_another() -> None:
        if Image.objects.filter(status=Status.QUEUED).exists():
            services.recover(JobRecord.objects.get(pk=job).delivery, on_dead=lambda _: None)
            rename("new")
            work(broker)
            index_images(ids, loaded, delivery=jobs.claim(job))
            assert (albums_of_points(loaded.index), due()) == ({("new",)}, 0)

    slow = with_index(loaded, fakes.FaultyIndex(loaded.index, "upsert", succeed_another))
    index_images(ids, slow, delivery=jobs.claim(job))
    assert albums_of_points(loaded.index) == {("old",)}

    work(broker)

    assert albums_of_points(loaded.index) == {("new",)}


def test_a_store_that_is_away_loses_no_change(
    images: list[Image], loaded: Loaded, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename("new")
    away = fakes.FaultyIndex(loaded.index, "set_payload", VectorStoreUnavailable)
    with monkeypatch.context() as patch:
        patch.setattr(payloads, "open_index", lambda _: away)
        work(broker)
    job = JobRecord.objects.get(name=UPDATE_PAYLOADS)
    assert (job.state, due()) == (State.QUEUED, 3)
    assert not catalog.enqueue_due_payloads()  # its own job is sent again

    update_payloads(delivery=jobs.claim(job.pk))

    assert albums_of_points(loaded.index) == {("new",)}


def test_a_job_that_was_taken_over_leaves_the_rest_to_its_successor(
    images: list[Image], loaded: Loaded, broker: Broker
) -> None:
    rename("new")
    job = JobRecord.objects.get(name=UPDATE_PAYLOADS)
    delivery = jobs.claim(job.pk)
    services.recover(delivery, on_dead=lambda _: None)

    with pytest.raises(jobs.JobTakenOver):
        update_payloads(delivery=delivery)

    assert albums_of_points(loaded.index) == {("old",)}
    assert due() == 3


def test_points_that_are_lost_are_no_error(
    images: list[Image], version: EncoderVersion, broker: Broker
) -> None:
    rename("new")
    EncoderVersion.objects.update(collection="lost")

    work(broker)

    assert due() == 0
    assert JobRecord.objects.get(name=UPDATE_PAYLOADS).state == State.SUCCEEDED


def test_what_one_job_does_not_come_to_is_handed_out_by_the_sweep(
    images: list[Image], loaded: Loaded, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payloads, "_IMAGES_PER_ROUND", 1)
    monkeypatch.setattr(payloads, "_MAX_ROUNDS", 2)
    rename("new")
    work(broker)
    assert due() == 1

    assert catalog.enqueue_due_payloads()
    assert not catalog.enqueue_due_payloads()  # one job at a time
    work(broker)

    assert (due(), albums_of_points(loaded.index)) == (0, {("new",)})
    assert not catalog.enqueue_due_payloads()


def test_a_job_that_fails_is_not_followed_by_the_next_at_once(
    images: list[Image], loaded: Loaded, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename("new")
    broken = fakes.FaultyIndex(loaded.index, "set_payload", lambda: DefectError("a:ours:b"))
    monkeypatch.setattr(payloads, "open_index", lambda _: broken)
    work(broker)
    assert JobRecord.objects.get(name=UPDATE_PAYLOADS).state == State.FAILED

    assert not catalog.enqueue_due_payloads()
    JobRecord.objects.update(finished_at=timezone.now() - timedelta(seconds=61))
    assert catalog.enqueue_due_payloads()


def test_a_change_that_reaches_no_image_is_no_work(db: None, broker: Broker) -> None:
    assert catalog.request_payload_update(Image.objects.all()) == 0

    assert not JobRecord.objects.exists()
