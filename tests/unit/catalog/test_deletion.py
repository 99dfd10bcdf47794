"""Images hidden at once and deleted later."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from catalog import selectors, services, storage
from catalog.models import Image
from catalog.services import Added
from catalog.validation import validate
from jobs.models import JobRecord
from kernel.errors import TransientError
from kernel.task_names import DELETE_IMAGES
from tests.conftest import AddImage, Broker
from tests.pictures import GREEN, RED, plain
from tests.rows import add_picture, full_images, new_images

pytestmark = pytest.mark.django_db(transaction=True)

State = JobRecord.State
Status = Image.Status
FAILING = "tests.storages.FailingStorage"
BUSY = "tests.storages.BusyStorage"


def ago(**period: float):
    return timezone.now() - timedelta(**period)


def ids_of(messages) -> list[list[str]]:
    return [message.arguments["image_ids"] for message in messages]


def test_a_deletion_hides_the_images_at_once_and_is_work_for_later(broker: Broker) -> None:
    new_images(65)

    assert services.request_deletion(Image.objects.all()) == 65

    assert not selectors.list_visible_images(AnonymousUser()).exists()
    assert broker.take("maintenance") == []
    assert services.redelete_stalled() == 65
    messages = broker.take("maintenance")
    assert [len(some) for some in ids_of(messages)] == [64, 1]
    assert {message.name for message in messages} == {DELETE_IMAGES}


def test_no_deletion_no_job(broker: Broker) -> None:
    assert services.request_deletion(Image.objects.none()) == 0
    assert services.redelete_stalled() == 0

    assert not JobRecord.objects.exists()


def test_a_second_request_leaves_a_deletion_to_its_job(broker: Broker) -> None:
    new_images(1)
    services.request_deletion(Image.objects.all())
    services.redelete_stalled()
    job = Image.objects.get().job

    assert services.request_deletion(Image.objects.all()) == 0

    assert Image.objects.get().job == job


def test_a_deleted_image_leaves_nothing(add_image: AddImage) -> None:
    image = add_image(plain(RED), status=Status.DELETING)
    kept = add_image(plain(GREEN))
    services.record_indexed(full_images([kept.pk]))

    services.delete_image(image.pk)
    services.delete_image(image.pk)

    assert list(Image.objects.all()) == [kept]
    assert list(storage.list_names("originals")) == [storage.original_name(kept.sha256)]
    assert list(storage.list_names("thumbnails")) == [storage.thumbnail_name(kept.sha256)]


@pytest.mark.parametrize("status", [Status.QUEUED, Status.INDEXED, Status.FAILED])
def test_only_an_image_whose_deletion_was_asked_for_is_deleted(
    add_image: AddImage, status: str
) -> None:
    image = add_image(plain(), status=status)

    services.delete_image(image.pk)

    assert Image.objects.get() == image
    assert storage.exists(storage.original_name(image.sha256))


@pytest.mark.parametrize("good", [0, 1], ids=["at-the-original", "at-the-thumbnail"])
def test_a_deletion_that_the_storage_stopped_is_finished_by_the_next(
    add_image: AddImage, use_storage, good: int
) -> None:
    image = add_image(plain(), status=Status.DELETING)
    use_storage(FAILING, operation="delete", good=good)
    with pytest.raises(TransientError):
        services.delete_image(image.pk)

    use_storage()
    services.delete_image(image.pk)

    assert not Image.objects.exists()
    assert list(storage.list_names("originals")) == []
    assert list(storage.list_names("thumbnails")) == []


@pytest.mark.parametrize("nth", [1, 2], ids=["at-the-original", "at-the-thumbnail"])
def test_a_picture_added_while_it_is_deleted_leaves_no_row(
    add_image: AddImage, use_storage, nth: int
) -> None:
    # Somebody adds the picture again at the moment in which a file of it is removed.
    picture = validate(plain())
    image = add_image(plain(), status=Status.DELETING)
    added: list[Added] = []

    def add_again() -> None:
        added.append(add_picture(picture))

    use_storage(BUSY, operation="delete", nth=nth, meanwhile=add_again)

    services.delete_image(image.pk)

    assert added == [Added(image.pk, is_new=False)]
    assert not Image.objects.exists()


@pytest.mark.parametrize(
    ("job_state", "waits_s", "is_stalled"),
    [
        pytest.param(None, 61, True, id="no-job"),
        pytest.param(State.FAILED, 61, True, id="its-job-failed"),
        pytest.param(State.FAILED, 50, False, id="its-job-failed-just-now"),
        pytest.param(State.SUCCEEDED, 61, True, id="its-job-left-it"),
        pytest.param(State.QUEUED, 200_000, False, id="its-job-waits"),
        pytest.param(State.RUNNING, 200_000, False, id="its-job-runs"),
    ],
)
def test_a_deletion_without_a_job_is_handed_out_anew(
    image_in_job, broker: Broker, job_state: str | None, waits_s: int, is_stalled: bool
) -> None:
    image = image_in_job(job_state, status=Status.DELETING, queued_at=ago(seconds=waits_s))

    assert services.redelete_stalled() == int(is_stalled)

    assert ids_of(broker.take("maintenance")) == [[str(image.pk)]] * is_stalled
    assert services.redelete_stalled() == 0


def test_a_deletion_that_fails_is_not_tried_at_every_sweep(broker: Broker) -> None:
    new_images(1)
    services.request_deletion(Image.objects.all())
    services.redelete_stalled()
    JobRecord.objects.update(state=State.FAILED)

    assert services.redelete_stalled() == 0
