"""Images handed to workers, and what is recorded of them."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from catalog import services
from catalog.models import Image, Region
from jobs.models import JobRecord
from kernel.task_names import DELETE_IMAGES, INDEX_IMAGES
from tests.conftest import Broker
from tests.rows import full_images, new_images

pytestmark = pytest.mark.django_db(transaction=True)

State = JobRecord.State
Status = Image.Status


def ago(**period: float):
    return timezone.now() - timedelta(**period)


def ids_of(messages) -> list[list[str]]:
    return [message.arguments["image_ids"] for message in messages]


# Enqueueing


@pytest.mark.parametrize(
    ("count", "chunks"),
    [(0, []), (1, [1]), (64, [64]), (65, [64, 1]), (130, [64, 64, 2])],
    ids=["none", "one", "a-chunk", "a-chunk-and-one", "three"],
)
def test_images_are_handed_out_in_chunks(broker: Broker, count: int, chunks: list[int]) -> None:
    ids = new_images(count)

    jobs = services.enqueue_indexing(ids)

    assert jobs == len(chunks)
    messages = broker.take("bulk")
    assert [len(some) for some in ids_of(messages)] == chunks
    assert [one for some in ids_of(messages) for one in some] == [str(pk) for pk in ids]
    assert {message.name for message in messages} <= {INDEX_IMAGES}
    for message in messages:
        job = JobRecord.objects.get(pk=message.arguments["job_id"])
        own = Image.objects.filter(job=job).values_list("pk", flat=True)
        assert {str(pk) for pk in own} == set(message.arguments["image_ids"])


def test_nothing_is_enqueued_when_the_transaction_fails(broker: Broker) -> None:
    ids = new_images(2)

    with transaction.atomic():
        services.enqueue_indexing(ids)
        transaction.set_rollback(True)

    assert broker.take("bulk") == []
    assert Image.objects.filter(job=None).count() == 2


def test_enqueueing_again_forgets_the_failure_and_leaves_deletions_alone(broker: Broker) -> None:
    failed, doomed = new_images(2)
    Image.objects.filter(pk=failed).update(status=Status.FAILED, error_code="a:user:b")
    Image.objects.filter(pk=doomed).update(status=Status.DELETING)

    services.enqueue_indexing([failed, doomed])

    image = Image.objects.get(pk=failed)
    assert (image.status, image.error_code) == (Status.QUEUED, "")
    assert Image.objects.get(pk=doomed).status == Status.DELETING
    assert Image.objects.get(pk=doomed).job is None


@pytest.mark.parametrize(
    ("job_state", "fields", "is_stalled"),
    [
        pytest.param(None, {"waits_s": 61}, True, id="never-enqueued"),
        pytest.param(None, {"waits_s": 30}, False, id="just-added"),
        pytest.param(State.FAILED, {"waits_s": 61}, True, id="its-job-failed"),
        pytest.param(State.SUCCEEDED, {"waits_s": 61}, True, id="its-job-ended"),
        pytest.param(State.SPLIT, {"waits_s": 61}, True, id="its-job-was-split"),
        pytest.param(State.QUEUED, {"waits_s": 200_000}, False, id="its-job-waits"),
        pytest.param(State.RUNNING, {"waits_s": 200_000}, False, id="its-job-runs"),
        pytest.param(None, {"waits_s": 200_000, "status": Status.INDEXED}, False, id="indexed"),
        pytest.param(None, {"waits_s": 200_000, "status": Status.FAILED}, False, id="failed"),
        pytest.param(
            None, {"waits_s": 200_000, "status": Status.DELETING}, False, id="being-deleted"
        ),
    ],
)
def test_an_image_that_waits_without_a_job_is_handed_out_anew(
    image_in_job, broker: Broker, job_state: str | None, fields: dict, is_stalled: bool
) -> None:
    queued_at = ago(seconds=fields["waits_s"])
    status = fields.get("status", Status.QUEUED)
    image = image_in_job(job_state, queued_at=queued_at, status=status)

    assert services.requeue_stalled() == int(is_stalled)

    assert ids_of(broker.take("bulk")) == [[str(image.pk)]] * is_stalled
    assert services.requeue_stalled() == 0


# What is asked of many images at once


@pytest.mark.parametrize("ask", [services.request_indexing, services.request_deletion])
def test_any_number_of_images_costs_one_transaction(
    broker: Broker, django_assert_max_num_queries, ask
) -> None:
    new_images(130)

    with django_assert_max_num_queries(4):  # its begin and end, the rows' locks, their change
        assert ask(Image.objects.all()) == 130

    assert not JobRecord.objects.exists()


def test_images_to_index_again_are_handed_out_by_the_next_sweep(broker: Broker) -> None:
    ids = new_images(66)
    running = JobRecord.objects.create(name=INDEX_IMAGES, queue="bulk", state=State.RUNNING)
    Image.objects.update(status=Status.INDEXED, job=running)
    Image.objects.filter(pk=ids[64]).update(status=Status.FAILED, error_code="a:user:b")
    Image.objects.filter(pk=ids[65]).update(status=Status.DELETING)

    assert services.request_indexing(Image.objects.all()) == 65

    assert Image.objects.filter(status=Status.QUEUED, error_code="", job=None).count() == 65
    assert services.requeue_stalled() == 65
    assert [len(some) for some in ids_of(broker.take("bulk"))] == [64, 1]
    assert Image.objects.get(pk=ids[65]).status == Status.DELETING


# Recording


def test_an_indexed_image_has_its_whole_as_a_region() -> None:
    [image_id] = new_images(1)
    Image.objects.update(error_code="an:earlier:one")

    assert services.record_indexed(full_images([image_id])) == ()

    image = Image.objects.get()
    assert (image.status, image.error_code) == (Status.INDEXED, "")
    assert image.indexed_at > ago(seconds=10)
    region = Region.objects.get()
    assert (region.image, region.kind, region.ordinal) == (image, "whole", 0)
    assert (region.x0, region.y0, region.x1, region.y1) == (0, 0, 3, 2)


def test_recording_twice_leaves_one_region() -> None:
    ids = new_images(3)

    services.record_indexed(full_images(ids))
    services.record_indexed(full_images(ids[1:]))

    assert Region.objects.count() == 3


def test_images_deleted_meanwhile_are_named_so_that_their_points_go() -> None:
    kept, hidden, gone = new_images(3)
    Image.objects.filter(pk=hidden).update(status=Status.DELETING)
    Image.objects.filter(pk=gone).delete()

    assert services.record_indexed(full_images([hidden, kept, gone])) == (hidden, gone)

    assert Image.objects.get(pk=kept).status == Status.INDEXED
    assert Image.objects.get(pk=hidden).status == Status.DELETING
    assert list(Region.objects.values_list("image", flat=True)) == [kept]


def test_a_failure_keeps_the_row_and_its_reason_but_no_deletion() -> None:
    failed, doomed = new_images(2)
    Image.objects.filter(pk=doomed).update(status=Status.DELETING)

    for image_id in (failed, doomed, uuid4()):
        services.record_failed(image_id, "image:user:broken")

    image = Image.objects.get(pk=failed)
    assert (image.status, image.error_code) == (Status.FAILED, "image:user:broken")
    assert Image.objects.get(pk=doomed).status == Status.DELETING


# A job that ended its worker


def crashed_job(ids: list[UUID], *, name: str = INDEX_IMAGES, deliveries: int = 1) -> JobRecord:
    job = JobRecord.objects.create(
        name=name,
        queue="bulk",
        state=State.RUNNING,
        deliveries=deliveries,
        arguments={"image_ids": [str(pk) for pk in ids]},
    )
    Image.objects.filter(pk__in=ids).update(job=job)
    return job


@pytest.mark.parametrize(
    ("count", "halves"), [(2, [1, 1]), (5, [2, 3]), (64, [32, 32])], ids=["2", "5", "64"]
)
def test_a_chunk_is_halved(broker: Broker, count: int, halves: list[int]) -> None:
    ids = new_images(count)
    job = crashed_job(ids)

    services.give_up_or_split(job)

    job.refresh_from_db()
    assert job.state == State.SPLIT
    messages = broker.take("bulk")
    assert [len(some) for some in ids_of(messages)] == halves
    assert [one for some in ids_of(messages) for one in some] == [str(pk) for pk in ids]
    assert JobRecord.objects.filter(state=State.QUEUED, deliveries=0).count() == 2


def test_the_halves_carry_only_what_was_not_done_yet(broker: Broker) -> None:
    ids = new_images(9)
    job = crashed_job(ids)
    services.record_indexed(full_images(ids[:4]), delivery=job.delivery)
    services.record_failed(ids[4], "image:user:broken", delivery=job.delivery)
    later = JobRecord.objects.create(name=INDEX_IMAGES, queue="bulk")
    Image.objects.filter(pk=ids[5]).update(job=later)
    Image.objects.filter(pk=ids[6]).update(status=Status.DELETING)

    services.give_up_or_split(job)

    assert ids_of(broker.take("bulk")) == [[str(ids[7])], [str(ids[8])]]
    assert Image.objects.filter(status=Status.INDEXED).count() == 4
    assert Image.objects.get(status=Status.FAILED).error_code == "image:user:broken"
    assert Image.objects.get(pk=ids[5]).job == later


def test_a_job_whose_pictures_are_all_done_is_finished(broker: Broker) -> None:
    ids = new_images(3)
    job = crashed_job(ids)
    services.record_indexed(full_images(ids), delivery=job.delivery)

    services.give_up_or_split(job)

    job.refresh_from_db()
    assert (job.state, job.error_code) == (State.SUCCEEDED, "")
    assert broker.take("bulk") == []
    assert set(Image.objects.values_list("status", flat=True)) == {Status.INDEXED}


def test_the_last_picture_of_a_chunk_that_waits_is_tried_alone(broker: Broker) -> None:
    ids = new_images(3)
    job = crashed_job(ids)
    services.record_indexed(full_images(ids[:2]), delivery=job.delivery)

    services.give_up_or_split(job)

    job.refresh_from_db()
    assert job.state == State.RUNNING  # whoever recovers it sends it again


@pytest.mark.parametrize(("deliveries", "is_over"), [(1, False), (2, False), (3, True), (4, True)])
def test_a_picture_alone_has_three_tries(broker: Broker, deliveries: int, is_over: bool) -> None:
    [image_id] = new_images(1)
    job = crashed_job([image_id], deliveries=deliveries)

    services.give_up_or_split(job)

    job.refresh_from_db()
    image = Image.objects.get()
    if is_over:
        assert (job.state, job.error_code) == (State.FAILED, "image:ours:gave-up")
        assert (image.status, image.error_code) == (Status.FAILED, "image:ours:gave-up")
    else:
        assert (job.state, image.status) == (State.RUNNING, Status.QUEUED)
    assert broker.take("bulk") == []


def test_one_poisoned_picture_among_many_is_found(broker: Broker) -> None:
    # Played through: every job that holds the poisoned picture ends its worker.
    ids = new_images(64)
    poisoned = str(ids[41])
    services.enqueue_indexing(ids)
    deliveries = 0

    while waiting := list(JobRecord.objects.filter(state=State.QUEUED)):
        for job in waiting:
            deliveries += 1
            JobRecord.objects.filter(pk=job.pk).update(
                state=State.RUNNING, deliveries=job.deliveries + 1
            )
            job.refresh_from_db()
            members = job.arguments["image_ids"]
            if poisoned not in members:
                services.record_indexed(full_images([UUID(one) for one in members]))
                JobRecord.objects.filter(pk=job.pk).update(state=State.SUCCEEDED)
                continue
            services.give_up_or_split(job)
            JobRecord.objects.filter(pk=job.pk, state=State.RUNNING).update(state=State.QUEUED)

    # 64 → 32 → 16 → 8 → 4 → 2 end it once each, the picture alone three times, and each of the
    # six other halves goes well.
    assert deliveries == 6 + 3 + 6
    assert Image.objects.filter(status=Status.INDEXED).count() == 63
    assert Image.objects.get(status=Status.FAILED).pk == UUID(poisoned)


@pytest.mark.parametrize(("deliveries", "is_over"), [(1, False), (2, False), (3, True)])
def test_a_deletion_that_fails_each_time_does_not_run_for_ever(
    deliveries: int, is_over: bool
) -> None:
    [image_id] = new_images(1)
    Image.objects.update(status=Status.DELETING)
    job = crashed_job([image_id], name=DELETE_IMAGES, deliveries=deliveries)

    services.give_up_or_split(job)

    job.refresh_from_db()
    assert (job.state == State.FAILED) == is_over
    assert Image.objects.get().status == Status.DELETING
