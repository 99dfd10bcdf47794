"""The tasks as Celery calls them, with JSON arguments, on the fake encoder."""

import base64
import json
import os
from datetime import timedelta
from pathlib import Path
from unittest.mock import Mock
from uuid import uuid4

import numpy as np
import pytest
from celery.app import trace
from celery.signals import task_postrun, task_prerun, worker_init, worker_ready
from django.db import connection, connections
from django.utils import timezone
from PIL import Image as Pillow

from catalog import services as catalog
from catalog import storage
from catalog.models import Album, EncoderVersion, Image
from catalog.services import bulk_edits as catalog_bulk_edits
from ingestion import services as ingestion
from jobs.models import JobRecord
from kernel import task_names
from kernel.errors import DefectError, FileMissing, TransientError
from kernel.task_messages import StoredQuery
from ml.rules.media import Medium
from search import query_files
from tests import fakes
from tests.conftest import AddImage, Broker
from tests.pictures import BLUE, GREEN, RED, encoded, huge_png, numbered, plain
from tests.unit.ml.panels.pictures import collage, grid
from vectors.index import VectorIndex
from worker_api import queries
from workers import bulk_edits, deletion, maintenance, model_pool
from workers.app import app
from workers.deletion import delete_images
from workers.tasks import index as bulk
from workers.tasks import query as query_tasks

pytestmark = pytest.mark.django_db(transaction=True)

State, Status = JobRecord.State, Image.Status


def deliver(broker: Broker, queue: str) -> list[object]:
    """Run every message of a queue, through the JSON that it came as."""
    results = []
    for message in broker.take(queue):
        arguments = json.loads(json.dumps(message.arguments))
        results.append(app.tasks[message.name](**arguments))
    return results


# Every name that the web may send is a task


def test_every_task_name_is_a_task_on_its_queue() -> None:
    app.loader.import_default_modules()

    ours = {name for name in app.tasks if name.startswith("workers.")}
    assert ours == set(task_names.QUEUES)
    assert app.conf.task_routes == {
        name: {"queue": queue} for name, queue in task_names.QUEUES.items()
    }


def test_only_tasks_of_the_query_queue_keep_their_result() -> None:
    kept = {name for name in task_names.QUEUES if not app.tasks[name].ignore_result}

    assert kept == {name for name, queue in task_names.QUEUES.items() if queue == "query"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_old", [False, True])
def test_a_connection_is_kept_from_task_to_task_unless_it_is_old(
    is_old: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = []
    connection.ensure_connection()
    monkeypatch.setattr(connections["default"], "close", lambda: closed.append(True))
    monkeypatch.setattr(connections["default"], "close_at", 0.0 if is_old else None)
    for signal in (task_prerun, task_postrun):  # other tests' workers close connections here
        ours = [one for one in signal.receivers if "DjangoWorkerFixup" not in repr(one)]
        monkeypatch.setattr(signal, "receivers", ours)
    # As at the start of a worker, when Celery's own handling of Django would begin.
    worker_init.send(sender=Mock(app=app, pool_cls="prefork"))
    closed.clear()
    delete = app.tasks[task_names.DELETE_IMAGES]
    unknown_job = {"image_ids": [], "job_id": str(uuid4())}

    trace.build_tracer(delete.name, delete, app=app)("id", (), unknown_job, {"is_eager": False})

    assert bool(closed) is is_old


# Extracting the features of a query


@pytest.fixture
def query(media: Path) -> str:
    return str(query_files.write(plain(RED)))


def arguments(query: str, **changes: object) -> dict[str, object]:
    """What the web sends, written out: 60 × 40 pixels."""
    return {"query_id": query, "width": 60, "height": 40, "box": None, **changes}


def test_a_query_is_answered_with_its_embedding(
    query: str, version: EncoderVersion, weights: list[str]
) -> None:
    answer = json.loads(json.dumps(app.tasks["workers.describe_query"](**arguments(query))))

    assert answer.pop("model_ms") >= 0
    row = np.frombuffer(base64.b64decode(answer.pop("embeddings")), dtype="<f4")
    np.testing.assert_array_equal(row, fakes.embed(Pillow.new("RGB", (60, 40), RED)))
    middle = np.frombuffer(base64.b64decode(answer.pop("middle")), dtype="<f4")
    np.testing.assert_array_equal(middle, fakes.embed(Pillow.new("RGB", (42, 28), RED)))
    whole = {"kind": "whole", "ordinal": 0, "box": [0, 0, 60, 40], "label": "", "confidence": 1.0}
    assert answer == {
        "encoder_version": version.pk,
        "layout": "single",
        "regions": [whole],
        "are_plain": [True],  # a red picture
        "medium": "unknown",
    }


def test_the_medium_of_a_query_is_told(
    query: str, version: EncoderVersion, weights: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.regions.tell_medium", lambda _: Medium.SKETCH)

    assert query_tasks.extract_query(**arguments(query))["medium"] == "sketch"
    part = arguments(query, box=[0, 0, 30, 40])
    assert query_tasks.extract_query(**part)["medium"] == "sketch"


def test_a_box_of_a_query_is_answered_with_its_embedding_alone(
    version: EncoderVersion, weights: list[str], media: Path
) -> None:
    halves = Pillow.new("RGB", (60, 40), RED)
    halves.paste(GREEN, (30, 0, 60, 40))
    query = str(query_files.write(encoded(halves)))

    answer = query_tasks.extract_query(**arguments(query, box=[30, 0, 60, 40]))

    row = np.frombuffer(base64.b64decode(answer["embeddings"]), dtype="<f4")
    np.testing.assert_array_equal(row, fakes.embed(Pillow.new("RGB", (30, 40), GREEN)))
    middle = np.frombuffer(base64.b64decode(answer["middle"]), dtype="<f4")
    np.testing.assert_array_equal(middle, row)  # of the box, which is green all over
    assert [region["kind"] for region in answer["regions"]] == ["whole"]


@pytest.mark.usefixtures("version", "weights", "media")
@pytest.mark.parametrize(
    ("panels", "layout", "boxes"),
    [
        ([[0, 0, 30, 40], [30, 0, 60, 40]], "collage", [[0, 0, 30, 40], [30, 0, 60, 40]]),
        ([], "single", []),
    ],
)
def test_a_query_is_split_as_a_person_has_said(panels, layout, boxes) -> None:
    grid_boxes, (width, height) = grid(2, 2, cell=(320, 240), gutter=20, margin=20)
    pixels = collage(grid_boxes, (width, height), seed=2)
    query = str(query_files.write(encoded(Pillow.fromarray(pixels))))
    asked = arguments(query, width=width, height=height)
    assert len(query_tasks.extract_query(**asked)["regions"]) == 1 + 4  # without anybody's word

    answer = query_tasks.extract_query(**asked, panels=panels)

    _, *parts = answer["regions"]
    assert (answer["layout"], [part["box"] for part in parts]) == (layout, boxes)


def test_an_argument_of_a_newer_web_is_passed_over(
    query: str, version: EncoderVersion, weights: list[str]
) -> None:
    assert "error" not in query_tasks.extract_query(**arguments(query, wanted_later=True))


@pytest.mark.parametrize("task", [query_tasks.extract_query, query_tasks.find_copies])
def test_a_request_that_is_not_understood_is_answered_with_a_code(query: str, task) -> None:
    answer = task(**arguments(query, width="60"))

    detail = "width: a whole number is expected, not '60'"
    assert answer == {"error": "messages:ours:malformed", "context": {"detail": detail}}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"no picture", "image:user:not-a-picture"),
        (huge_png(60_000, 60_000), "image:user:too-many-pixels"),
    ],
    ids=["text", "huge"],
)
def test_a_query_that_cannot_be_decoded_is_answered_with_a_code(
    media: Path, version: EncoderVersion, weights: list[str], data: bytes, code: str
) -> None:
    query_id = query_files.write(data)

    answer = query_tasks.extract_query(**arguments(str(query_id)))

    assert answer["error"] == code
    assert list(answer["context"]) == ["detail"]


def test_a_query_that_expired_is_answered_with_a_code(
    media: Path, version: EncoderVersion, weights: list[str]
) -> None:
    query_id = str(uuid4())

    answer = query_tasks.extract_query(**arguments(query_id))

    context = {"name": f"queries/{query_id}"}
    assert answer == {"error": "storage:ours:file-missing", "context": context}


def test_a_query_before_an_encoder_was_chosen(query: str, weights: list[str]) -> None:
    assert query_tasks.extract_query(**arguments(query)) == {
        "error": "encoder:transient:not-chosen",
        "context": {},
    }


def test_warming_up_loads_the_encoder(version: EncoderVersion, weights: list[str]) -> None:
    assert query_tasks.warm_up(pictures=1, has_hashes=True) == "grid"
    assert query_tasks.warm_up() == "grid"  # as the supervisor asks

    assert weights == ["grid"]


@pytest.mark.parametrize(("queue", "pictures"), [("query", 1), ("bulk", 16)])
def test_a_worker_that_starts_warms_itself_up_and_no_other(
    broker: Broker, queue: str, pictures: int
) -> None:
    consumer = Mock(hostname=f"{queue}1@here")
    consumer.pool.num_processes = 2
    consumer.app.amqp.queues.consume_from = {queue: None}

    worker_ready.send(sender=consumer)

    sent = broker.take(f"{queue}1@here.dq2")
    assert [message.arguments["pictures"] for message in sent] == [pictures] * 2
    assert broker.take(queue) == []


# The models of a process


def test_the_live_encoder_is_loaded_once(version: EncoderVersion, weights: list[str]) -> None:
    first, second = model_pool.get(), model_pool.get()

    assert first is second
    assert first.version.id == version.pk
    assert first.index.spec.name == version.collection
    assert weights == ["grid"]


def test_another_live_version_is_loaded_anew(version: EncoderVersion, weights: list[str]) -> None:
    model_pool.get()
    version.pk, version.collection = None, f"{version.collection}__b"
    version.state = EncoderVersion.State.BUILDING
    version.save()
    catalog.make_live(version)

    assert model_pool.get().version.id == version.pk
    assert model_pool.get().index.spec.name == version.collection
    assert len(weights) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"weights_sha256": "f" * 64},
        {"preprocessing_sha256": "f" * 64},
        {"dim": fakes.DIM - 1},
        {"detector_weights_sha256": "f" * 64},
    ],
    ids=["weights", "preprocessing", "dimension", "detector"],
)
def test_a_model_that_is_not_the_recorded_one_is_refused(
    version: EncoderVersion, weights: list[str], change: dict
) -> None:
    EncoderVersion.objects.update(**change)

    with pytest.raises(DefectError) as caught:
        model_pool.get()

    part = "detector" if "detector_weights_sha256" in change else "encoder"
    assert caught.value.code == f"{part}:ours:weights-changed"


# Describing the catalogue


def test_an_import_is_described(
    broker: Broker, add_image: AddImage, index: VectorIndex, weights: list[str]
) -> None:
    images = [add_image(numbered(number)) for number in range(65)]
    catalog.enqueue_indexing([image.pk for image in images])

    deliver(broker, "bulk")

    assert Image.objects.filter(status=Status.INDEXED).count() == 65
    assert index.count() == 65
    assert set(JobRecord.objects.values_list("state", flat=True)) == {State.SUCCEEDED}


@pytest.mark.usefixtures("media", "weights")
def test_an_import_is_planned_run_and_described_by_workers(
    broker: Broker, index: VectorIndex, tmp_path: Path, settings
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(70):
        (folder / f"{number:02}.png").write_bytes(numbered(number))
    settings.INGEST_ROOTS = (tmp_path,)
    options = ingestion.ImportOptions()
    current = ingestion.plan_import(source=str(folder), options=options, started_by_id=None)
    deliver(broker, "maintenance")
    ingestion.start(current)

    deliver(broker, "maintenance")
    deliver(broker, "bulk")

    current.refresh_from_db()
    assert (current.state, current.added) == ("finished", 70)
    assert (Image.objects.filter(status=Status.INDEXED).count(), index.count()) == (70, 70)
    assert set(JobRecord.objects.values_list("state", flat=True)) == {State.SUCCEEDED}


def test_a_message_that_comes_twice_does_no_harm(
    broker: Broker, add_image: AddImage, index: VectorIndex, weights: list[str]
) -> None:
    catalog.enqueue_indexing([add_image(plain()).pk])
    [message] = broker.take("bulk")

    for _ in range(2):
        app.tasks[message.name](**message.arguments)

    job = JobRecord.objects.get()
    assert (job.state, job.deliveries) == (State.SUCCEEDED, 1)
    assert Image.objects.get().tries == 1
    assert index.count() == 1


def test_weights_that_changed_fail_no_picture(
    broker: Broker, add_image: AddImage, version: EncoderVersion, weights: list[str]
) -> None:
    EncoderVersion.objects.update(weights_sha256="f" * 64)
    for number in range(3):
        add_image(numbered(number))
    catalog.enqueue_indexing(list(Image.objects.values_list("pk", flat=True)))

    deliver(broker, "bulk")

    assert JobRecord.objects.get().error_code == "encoder:ours:weights-changed"
    assert set(Image.objects.values_list("status", flat=True)) == {Status.QUEUED}


# Deleting


@pytest.fixture
def indexed_images(
    add_image: AddImage, broker: Broker, index: VectorIndex, weights: list[str]
) -> list[Image]:
    images = [add_image(plain(colour)) for colour in (RED, GREEN, BLUE)]
    catalog.enqueue_indexing([image.pk for image in images])
    deliver(broker, "bulk")
    return images


def request_deletion(images: list[Image]) -> None:
    """Ask for it as the admin does, and let the sweep hand it out."""
    catalog.request_deletion(Image.objects.filter(pk__in=[image.pk for image in images]))
    catalog.redelete_stalled()


def test_a_deletion_removes_points_rows_and_files(
    indexed_images: list[Image], broker: Broker, index: VectorIndex
) -> None:
    kept, *doomed = indexed_images
    request_deletion(doomed)

    deliver(broker, "maintenance")

    assert list(Image.objects.all()) == [kept]
    assert [image_id for _, image_id in index.scroll()] == [kept.pk]
    assert list(storage.list_names("originals")) == [storage.original_name(kept.sha256)]
    assert list(storage.list_names("thumbnails")) == [storage.thumbnail_name(kept.sha256)]


def test_a_deletion_may_be_repeated(indexed_images: list[Image], index: VectorIndex) -> None:
    ids = [image.pk for image in indexed_images]
    request_deletion(indexed_images[:2])

    delete_images(ids)
    delete_images(ids)

    assert Image.objects.get().pk == ids[2]
    assert index.count() == 1


def test_an_image_deleted_before_it_was_recorded_leaves_no_point(
    indexed_images: list[Image], index: VectorIndex
) -> None:
    # Its worker wrote the point and died before it recorded the region.
    indexed_images[0].regions.all().delete()
    request_deletion(indexed_images[:1])

    delete_images([indexed_images[0].pk])

    assert indexed_images[0].pk not in {image_id for _, image_id in index.scroll()}


def test_what_was_added_again_before_a_stalled_worker_deleted_its_points_gets_them_back(
    indexed_images: list[Image],
    broker: Broker,
    index: VectorIndex,
    add_image: AddImage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def delete_and_add_again() -> None:
        catalog.delete_image(indexed_images[0].pk)  # as the successor did meanwhile
        catalog.enqueue_indexing([add_image(plain(RED)).pk])
        deliver(broker, "bulk")

    stalled = fakes.FaultyIndex(index, "delete", delete_and_add_again)
    monkeypatch.setattr(deletion, "open_index", lambda _version: stalled)
    request_deletion(indexed_images[:1])
    deliver(broker, "maintenance")

    catalog.requeue_stalled()
    deliver(broker, "bulk")

    assert set(Image.objects.values_list("status", flat=True)) == {Status.INDEXED}
    assert {image_id for _, image_id in index.scroll()} == set(
        Image.objects.values_list("pk", flat=True)
    )


def test_a_deletion_stopped_by_the_storage_goes_on_later(
    indexed_images: list[Image], broker: Broker, use_storage
) -> None:
    use_storage("tests.storages.FailingStorage", operation="delete", good=6)
    request_deletion(indexed_images)
    deliver(broker, "maintenance")
    job = JobRecord.objects.get(name=task_names.DELETE_IMAGES)
    assert (job.state, Image.objects.count()) == (State.QUEUED, 2)

    use_storage()
    bulk.delete(image_ids=job.arguments["image_ids"], job_id=str(job.pk))

    assert not Image.objects.exists()
    assert list(storage.list_names("originals")) == []


def test_images_can_be_deleted_after_their_collection_was_lost(
    indexed_images: list[Image], broker: Broker
) -> None:
    EncoderVersion.objects.update(collection=f"lost__{uuid4().hex}")
    request_deletion(indexed_images[:1])

    deliver(broker, "maintenance")

    assert Image.objects.count() == 2


# Maintenance


def test_the_sweep_sends_lost_work_and_hands_out_forgotten_images(
    broker: Broker, add_image: AddImage
) -> None:
    past = timezone.now() - timedelta(minutes=5)
    add_image(numbered(1), queued_at=past)
    lost = JobRecord.objects.create(name=task_names.INDEX_IMAGES, queue="bulk")
    JobRecord.objects.update(created_at=past, arguments={"image_ids": []})

    maintenance.sweep()

    sent = [message.arguments for message in broker.take("bulk")]
    assert {arguments["job_id"] for arguments in sent} == {
        str(lost.pk),
        str(Image.objects.get().job_id),
    }


def test_queries_that_outlived_their_search_are_removed(media: Path) -> None:
    old, young = query_files.write(b"old"), query_files.write(b"young")
    past = (timezone.now() - timedelta(minutes=61)).timestamp()
    os.utime(media / "queries" / str(old), (past, past))

    queries.expire_queries()

    assert queries.read_query(StoredQuery(young, 60, 40)) == b"young"
    with pytest.raises(FileMissing):
        queries.read_query(StoredQuery(old, 60, 40))


def test_what_was_extracted_of_a_query_goes_with_it(media: Path) -> None:
    old, young = query_files.write(b"old"), query_files.write(b"young")
    for query_id in (old, young):
        query_files.write_extracted(str(query_id), None, b"all")
        query_files.write_extracted(str(query_id), (0, 1, 20, 30), b"box")
    lost = uuid4()
    query_files.write_extracted(str(lost), None, b"of a picture that was deleted before")
    past = (timezone.now() - timedelta(minutes=61)).timestamp()
    os.utime(media / "queries" / str(old), (past, past))
    os.utime(media / "extracted-queries" / f"{lost}.all", (past, past))

    assert query_files.delete_expired() == 1

    kept = [f"extracted-queries/{young}.{part}" for part in ("0-1-20-30", "all")]
    assert list(storage.list_names(query_files.EXTRACTED)) == kept
    assert query_files.read_extracted(str(young), (0, 1, 20, 30)) == b"box"


def test_the_oldest_queries_go_where_there_is_no_room(media: Path, settings) -> None:
    settings.QUERIES_MAX_BYTES = 16_000
    past = timezone.now().timestamp() - 1000
    queries_made = []
    for number in range(30):
        queries_made.append(query_files.write(bytes(1000)))
        query_files.write_extracted(str(queries_made[-1]), None, bytes(100))
        for name in (f"queries/{queries_made[-1]}", f"extracted-queries/{queries_made[-1]}.all"):
            os.utime(media / name, (past + number, past + number))
        assert _bytes_below(media) <= 17_000

    queries.expire_queries()

    assert _bytes_below(media) <= 16_000
    assert queries.read_query(StoredQuery(queries_made[-1], 60, 40)) == bytes(1000)
    assert [query_files.read_extracted(str(query_id), None) for query_id in queries_made[-10:]]
    with pytest.raises(FileMissing):
        queries.read_query(StoredQuery(queries_made[0], 60, 40))


def _bytes_below(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_a_query_of_the_catalogue_is_read_where_its_original_lies(media: Path) -> None:
    storage.write(storage.original_name("ab" * 32), b"original")

    assert queries.read_query(StoredQuery(uuid4(), 60, 40, "ab" * 32)) == b"original"


def test_a_query_is_gone_once_deleted(media: Path) -> None:
    query_id = query_files.write(b".")

    query_files.delete(query_id)
    query_files.delete(query_id)

    assert list(storage.list_names("queries")) == []


def test_a_storage_that_is_away_keeps_a_query_from_being_written(use_storage) -> None:
    use_storage("tests.storages.FailingStorage", operation="save")

    with pytest.raises(TransientError):
        query_files.write(b".")


# Bulk edits


def test_a_bulk_edit_is_done_by_the_maintenance_queue_and_reaches_the_points(
    indexed_images: list[Image], broker: Broker, index: VectorIndex, weights: list[str]
) -> None:
    album = Album.objects.create(name="2024")
    edit = catalog.ask_bulk_edit("add_albums", Image.objects.all())
    catalog.start_bulk_edit(edit, {"names": [album.pk]})
    loads = list(weights)

    deliver(broker, "maintenance")  # the edit, which asks for the payloads
    deliver(broker, "maintenance")

    edit.refresh_from_db()
    assert (edit.state, edit.done) == ("done", 3)
    assert {payload.albums for _, payload in index.scroll_payloads()} == {("2024",)}
    assert set(Image.objects.values_list("status", flat=True)) == {Status.INDEXED}
    assert weights == loads  # no model was asked for


def test_a_bulk_edit_that_one_job_does_not_finish_goes_on_at_the_next_sweep(
    indexed_images: list[Image], broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_edits, "_MAX_CHUNKS", 1)
    monkeypatch.setattr(catalog_bulk_edits, "CHUNK_IMAGES", 2)
    edit = catalog.ask_bulk_edit("set_owner", Image.objects.all())
    catalog.start_bulk_edit(edit, {"value": "Ann"})

    counts = []
    for _ in range(3):
        deliver(broker, "maintenance")
        edit.refresh_from_db()
        counts.append((edit.done, edit.state))
        catalog.resume_bulk_edits()

    assert counts == [(2, "running"), (3, "running"), (3, "done")]
    assert Image.objects.filter(owner="Ann").count() == 3
