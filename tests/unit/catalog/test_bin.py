"""The bin: hidden at once, kept whole, back as it was, or gone for good."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.utils import timezone

from catalog import selectors, services
from catalog.models import BulkEdit, Image
from ingestion.services import MetadataRules, Outcome, Result, start_import, take_in
from ingestion.sources import SourceFile
from jobs.services import claim
from kernel.task_names import UPDATE_PAYLOADS
from tests.conftest import AddImage, Broker
from tests.pictures import RED, plain
from tests.rows import new_images
from worker_api import jobs

pytestmark = pytest.mark.django_db(transaction=True)

Kind, Status = BulkEdit.Kind, Image.Status


def ago(**period: float):
    return timezone.now() - timedelta(**period)


def test_what_is_moved_to_the_bin_is_hidden_and_its_points_are_told(broker: Broker) -> None:
    user = User.objects.create_user("ann")
    one, other = new_images(2)
    Image.objects.update(status=Status.INDEXED, indexed_at=timezone.now())

    assert services.move_to_bin(Image.objects.filter(pk=one), by_id=user.pk) == 1

    assert [image.pk for image in selectors.list_current_images()] == [other]
    assert set(selectors.find_images([one, other], AnonymousUser())) == {other}
    assert selectors.count_findable_and_waiting(AnonymousUser()) == (1, 0)
    assert selectors.count_by_status() == {
        **{"queued": 0, "indexed": 1, "failed": 0, "deleting": 0},
        "binned": 1,
        "held": 0,
    }
    image = selectors.list_binned_images().get()
    assert (image.pk, image.binned_by, image.status) == (one, user, Status.INDEXED)
    assert [message.name for message in broker.take("maintenance")] == [UPDATE_PAYLOADS]


def test_what_is_in_the_bin_stays_as_it_was_put_there(broker: Broker) -> None:
    new_images(1)
    services.move_to_bin(Image.objects.all())
    before = Image.objects.get().binned_at

    assert services.move_to_bin(Image.objects.all(), by_id=User.objects.create_user("bob").pk) == 0

    image = Image.objects.get()
    assert (image.binned_at, image.binned_by) == (before, None)


def test_restored_is_what_is_in_the_bin_alone(broker: Broker) -> None:
    one, _ = new_images(2)
    services.move_to_bin(Image.objects.filter(pk=one))

    assert services.restore(Image.objects.all()) == 1

    assert selectors.list_current_images().count() == 2
    assert Image.objects.get(pk=one).binned_by is None


def test_purged_is_what_is_in_the_bin_alone(broker: Broker) -> None:
    one, other = new_images(2)
    services.move_to_bin(Image.objects.filter(pk=one))

    assert services.purge(Image.objects.all()) == 1

    statuses = dict(Image.objects.values_list("pk", "status"))
    assert statuses == {one: Status.DELETING, other: Status.QUEUED}
    assert services.restore(Image.objects.all()) == 0
    assert not selectors.list_binned_images().exists()


@pytest.mark.parametrize(
    ("days", "purged"),
    [(30, {"31"}), (1, {"31", "29"}), (0, set())],
    ids=["thirty", "one", "by-hand-only"],
)
def test_what_was_in_the_bin_long_enough_goes_with_a_sweep(
    broker: Broker, settings: Any, days: int, purged: set[str]
) -> None:
    settings.BIN_RETENTION_DAYS = days
    new_images(3)
    ages = zip(Image.objects.order_by("pk"), (31, 29, None), strict=True)
    for image, age in ages:
        binned_at = None if age is None else ago(days=age)
        Image.objects.filter(pk=image.pk).update(title=str(age), binned_at=binned_at)

    assert jobs.sweep().purged_images == len(purged)

    deleting = Image.objects.filter(status=Status.DELETING)
    assert set(deleting.values_list("title", flat=True)) == purged
    assert jobs.sweep().purged_images == 0


def run(kind: str, images: Any, *, user: User | None = None, meanwhile: Any = None) -> BulkEdit:
    edit = services.ask_bulk_edit(kind, images, started_by_id=None if user is None else user.pk)
    services.start_bulk_edit(edit, {})
    edit.refresh_from_db()
    if meanwhile is not None:
        meanwhile()
    delivery = claim(edit.job.pk)
    while services.apply_next_chunk(edit.pk, delivery=delivery):
        pass
    edit.refresh_from_db()
    return edit


def test_a_set_goes_to_the_bin_comes_back_and_goes_for_good(broker: Broker) -> None:
    user = User.objects.create_user("ann")
    new_images(3)

    edit = run(Kind.BIN, Image.objects.all(), user=user)
    assert (edit.done, edit.gone) == (3, 0)
    assert set(Image.objects.values_list("binned_by", flat=True)) == {user.pk}

    assert run(Kind.RESTORE, Image.objects.all()).done == 3
    assert selectors.list_current_images().count() == 3

    services.move_to_bin(Image.objects.all())
    assert run(Kind.PURGE, Image.objects.all()).done == 3
    assert set(Image.objects.values_list("status", flat=True)) == {Status.DELETING}


def test_what_was_restored_after_the_question_is_not_purged(broker: Broker) -> None:
    one, _ = new_images(2)
    services.move_to_bin(Image.objects.all())

    edit = run(
        Kind.PURGE,
        Image.objects.all(),
        meanwhile=lambda: services.restore(Image.objects.filter(pk=one)),
    )

    assert (edit.done, edit.gone) == (1, 1)
    assert Image.objects.get(pk=one).status == Status.QUEUED


def take_in_again(data: bytes) -> list[Outcome]:
    files = [SourceFile("a.png", lambda: data)]
    rules = MetadataRules(restores_binned=True)
    return list(take_in(start_import("again"), files, rules=rules))


def test_a_file_that_is_added_again_brings_its_image_back(
    add_image: AddImage, broker: Broker
) -> None:
    image = add_image(plain(RED), "kept", status=Status.INDEXED)
    services.move_to_bin(Image.objects.all())

    outcomes = take_in_again(plain(RED))

    expected = Outcome("a.png", Result.DUPLICATES, image.pk, is_restored=True)
    assert outcomes == [expected]
    restored = selectors.list_current_images().get()
    assert (restored.pk, restored.title, restored.status) == (image.pk, "kept", Status.INDEXED)
    assert [outcome.is_restored for outcome in take_in_again(plain(RED))] == [False]
