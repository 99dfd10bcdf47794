"""One change of many images: the set is fixed when it is asked for, and each is changed once."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.utils import timezone

from catalog import services
from catalog.models import Album, BulkEdit, BulkEditChunk, Image, Tag
from catalog.selectors import list_visible_images
from jobs.models import Delivery, JobRecord
from jobs.services import JobTakenOver, claim, recover
from kernel.task_names import EDIT_IMAGES
from tests.conftest import Broker
from tests.rows import new_images

pytestmark = pytest.mark.django_db(transaction=True)

Kind, State = BulkEdit.Kind, BulkEdit.State


def started(
    kind: str, images: QuerySet[Image] | None = None, **arguments: object
) -> tuple[BulkEdit, Delivery]:
    """A bulk edit that a person has confirmed and a worker has taken."""
    edit = services.ask_bulk_edit(kind, Image.objects.all() if images is None else images)
    assert services.start_bulk_edit(edit, arguments)
    edit.refresh_from_db()
    return edit, claim(edit.job.pk)


def run(edit: BulkEdit, delivery: Delivery) -> None:
    while services.apply_next_chunk(edit.pk, delivery=delivery):
        pass
    edit.refresh_from_db()


def titles_due() -> set[str]:
    return set(Image.objects.filter(payload_due_at__isnull=False).values_list("title", flat=True))


def name_images(count: int) -> None:
    new_images(count)
    for number, image in enumerate(Image.objects.order_by("sha256")):
        Image.objects.filter(pk=image.pk).update(title=str(number), status="indexed")


def test_asking_changes_nothing_and_makes_no_job(broker: Broker) -> None:
    name_images(3)

    edit = services.ask_bulk_edit(Kind.BIN, Image.objects.all())

    assert (edit.state, edit.total) == (State.ASKED, 3)
    assert set(Image.objects.values_list("status", flat=True)) == {"indexed"}
    assert not JobRecord.objects.exists()
    assert services.resume_bulk_edits() == 0


def test_images_that_come_after_the_question_are_not_touched(broker: Broker) -> None:
    name_images(4)
    edit = services.ask_bulk_edit(Kind.BIN, Image.objects.all())
    late = [
        Image.objects.create(
            sha256="f" * 63 + str(n), format="png", width=1, height=1, file_bytes=1
        )
        for n in range(3)
    ]

    services.start_bulk_edit(edit, {})
    edit.refresh_from_db()
    run(edit, claim(edit.job.pk))

    assert Image.objects.filter(binned_at__isnull=False).count() == 4
    assert set(list_visible_images(AnonymousUser())) == set(late)
    assert (edit.state, edit.done, edit.gone, edit.total) == (State.DONE, 4, 0, 4)


def test_a_set_of_two_thousand_is_changed_chunk_by_chunk(
    broker: Broker, django_assert_max_num_queries: Callable
) -> None:
    new_images(2_000)
    tag = Tag.objects.create(name="sea")
    with django_assert_max_num_queries(8):
        edit = services.ask_bulk_edit(Kind.ADD_TAGS, Image.objects.all())
    assert edit.chunks.count() == 4
    services.start_bulk_edit(edit, {"names": [tag.pk]})
    edit.refresh_from_db()
    delivery = claim(edit.job.pk)

    progress = []
    with django_assert_max_num_queries(150):
        while services.apply_next_chunk(edit.pk, delivery=delivery):
            edit.refresh_from_db()
            progress.append((edit.done, edit.state))

    edit.refresh_from_db()
    assert progress == [(done, State.RUNNING) for done in (500, 1_000, 1_500, 2_000)]
    assert (edit.state, edit.finished_at is not None) == (State.DONE, True)
    assert tag.images.count() == 2_000
    assert not BulkEditChunk.objects.exists()


def test_an_edit_that_a_crash_stops_in_the_middle_of_a_chunk_does_each_image_once(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_images(1_200)
    edit, delivery = started(Kind.REINDEX)
    Image.objects.update(status="indexed")
    assert services.apply_next_chunk(edit.pk, delivery=delivery)
    with monkeypatch.context() as patch:
        patch.setattr(BulkEditChunk, "delete", crash)  # the change is made, its end not yet
        with pytest.raises(MemoryError):
            services.apply_next_chunk(edit.pk, delivery=delivery)
    assert Image.objects.filter(status="queued").count() == 500
    Image.objects.update(status="indexed")  # by workers, meanwhile

    recover(delivery, on_dead=services.give_up_or_split)
    run(edit, claim(edit.job.pk))

    assert Image.objects.filter(status="queued").count() == 700
    assert (edit.state, edit.done, edit.gone) == (State.DONE, 1_200, 0)


def crash(*_: object) -> None:
    raise MemoryError


def test_a_worker_that_was_taken_over_changes_nothing(broker: Broker) -> None:
    name_images(3)
    edit, delivery = started(Kind.SET_OWNER, value="Ann")
    recover(delivery, on_dead=services.give_up_or_split)

    with pytest.raises(JobTakenOver):
        services.apply_next_chunk(edit.pk, delivery=delivery)

    assert set(Image.objects.values_list("owner", flat=True)) == {""}


def test_images_that_are_gone_meanwhile_are_counted(broker: Broker) -> None:
    name_images(5)
    edit, delivery = started(Kind.SET_OWNER, value="Ann")
    Image.objects.get(title="0").delete()
    Image.objects.filter(title="1").update(status="deleting")

    run(edit, delivery)

    assert (edit.done, edit.gone, edit.state) == (3, 2, State.DONE)
    assert Image.objects.get(title="1").owner == ""
    assert Image.objects.filter(owner="Ann").count() == 3


def test_tags_are_added_to_those_that_lack_them_and_their_points_follow(broker: Broker) -> None:
    name_images(3)
    sea, sky = Tag.objects.create(name="sea"), Tag.objects.create(name="sky")
    sea.images.set(Image.objects.filter(title__in=("0", "1")))
    sky.images.set(Image.objects.filter(title="0"))

    run(*started(Kind.ADD_TAGS, names=[sea.pk, sky.pk]))

    assert sea.images.count() == sky.images.count() == 3
    assert titles_due() == {"1", "2"}  # the first carries both already


def test_tags_are_removed_from_those_that_have_them_and_their_points_follow(
    broker: Broker,
) -> None:
    name_images(3)
    sea, sky, kept = [Tag.objects.create(name=name) for name in ("sea", "sky", "kept")]
    sea.images.set(Image.objects.filter(title__in=("0", "1")))
    kept.images.set(Image.objects.all())

    run(*started(Kind.REMOVE_TAGS, names=[sea.pk, sky.pk]))

    assert not sea.images.exists()
    assert kept.images.count() == 3
    assert titles_due() == {"0", "1"}


def test_only_the_chosen_images_come_into_an_album_or_leave_it(broker: Broker) -> None:
    name_images(4)
    album = Album.objects.create(name="a")
    some = Image.objects.filter(title__in=("0", "1", "2"))

    run(*started(Kind.ADD_ALBUMS, some, names=[album.pk]))
    run(*started(Kind.REMOVE_ALBUMS, Image.objects.filter(title__in=("2", "3")), names=[album.pk]))

    assert set(album.images.values_list("title", flat=True)) == {"0", "1"}
    assert titles_due() == {"0", "1", "2"}


@pytest.mark.parametrize(
    ("field", "value"), [("medium", "photo"), ("owner", "Ann"), ("licence", "CC BY")]
)
def test_what_points_carry_reaches_those_that_had_another(
    broker: Broker, field: str, value: str
) -> None:
    name_images(3)
    Image.objects.filter(title="0").update(**{field: value})

    run(*started(f"set_{field}", value=value))

    assert set(Image.objects.values_list(field, flat=True)) == {value}
    assert titles_due() == {"1", "2"}


def test_a_tag_that_was_deleted_meanwhile_is_passed_over(broker: Broker) -> None:
    name_images(2)
    tag = Tag.objects.create(name="sea")
    edit, delivery = started(Kind.ADD_TAGS, names=[tag.pk])
    tag.delete()

    run(edit, delivery)

    assert (edit.state, edit.done) == (State.DONE, 2)


def test_an_edit_is_started_once(broker: Broker) -> None:
    name_images(1)
    edit = services.ask_bulk_edit(Kind.BIN, Image.objects.all())

    assert services.start_bulk_edit(edit, {})
    assert not services.start_bulk_edit(edit, {})

    assert JobRecord.objects.filter(name=EDIT_IMAGES).count() == 1


def test_an_image_that_a_filter_finds_twice_is_in_the_set_once(broker: Broker) -> None:
    name_images(1)
    tags = [Tag.objects.create(name=name) for name in ("a", "b")]
    Image.objects.get().tags.set(tags)

    edit = services.ask_bulk_edit(Kind.BIN, Image.objects.filter(tags__in=tags))

    assert edit.total == 1


@pytest.mark.parametrize(
    ("state", "ended_s", "is_resumed"),
    [
        (None, 0, True),
        ("succeeded", 1, True),  # it left the rest to the next sweep
        ("failed", 61, True),
        ("failed", 50, False),
        ("queued", None, False),
        ("running", None, False),
    ],
)
def test_an_edit_without_a_live_job_gets_another(
    broker: Broker, state: str | None, ended_s: float | None, is_resumed: bool
) -> None:
    name_images(1)
    edit, _ = started(Kind.SET_OWNER, value="Ann")
    broker.take("maintenance")
    if state is None:
        JobRecord.objects.all().delete()
    else:
        ended = None if ended_s is None else timezone.now() - timedelta(seconds=ended_s)
        JobRecord.objects.update(state=state, finished_at=ended)

    assert services.resume_bulk_edits() == int(is_resumed)

    assert [one.arguments["edit_id"] for one in broker.take("maintenance")] == (
        [edit.pk] if is_resumed else []
    )
    assert services.resume_bulk_edits() == 0


def test_questions_that_nobody_confirms_are_forgotten_after_a_day(broker: Broker) -> None:
    name_images(2)
    old = services.ask_bulk_edit(Kind.BIN, Image.objects.all())
    BulkEdit.objects.update(created_at=timezone.now() - timedelta(hours=25))
    new = services.ask_bulk_edit(Kind.BIN, Image.objects.all())
    running, _ = started(Kind.REINDEX)
    BulkEdit.objects.filter(pk=running.pk).update(created_at=timezone.now() - timedelta(days=9))

    services.resume_bulk_edits()

    assert set(BulkEdit.objects.all()) == {new, running}
    assert not BulkEditChunk.objects.filter(edit=old.pk).exists()
