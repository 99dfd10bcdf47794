"""What the audit log keeps of what is done to the catalogue: who, what, to what, old and new."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone, translation

from audit_log import services as audit_log
from audit_log.models import AuditedImages, AuditEntry
from catalog import services
from catalog.models import Album, BulkEdit, Image, Tag
from ingestion.services import (
    KnownPolicy,
    MetadataRules,
    close_abandoned,
    start_import,
    take_in,
)
from ingestion.services.life import ABANDONED_AFTER
from ingestion.sources import SourceFile
from jobs.services import claim, recover
from tests.conftest import AddImage, Broker
from tests.pictures import GREEN, RED, plain
from tests.rows import new_images

pytestmark = pytest.mark.django_db(transaction=True)

Action, Kind = AuditEntry.Action, BulkEdit.Kind


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann")


def entries() -> list[tuple[Any, ...]]:
    """Who, what, kind, name and details of all entries, the oldest first."""
    rows = AuditEntry.objects.order_by("id")
    return list(rows.values_list("actor_name", "action", "object_type", "object_name", "details"))


def images_of(entry: AuditEntry) -> list[dict[str, list[str]]]:
    """Old value → titles, of each chunk of an entry."""
    titles = {image.pk.hex: image.title for image in Image.objects.all()}
    return [
        {old: sorted(titles[one] for one in ids) for old, ids in part.image_ids.items()}
        for part in entry.images.order_by("id")
    ]


def name_images(count: int) -> None:
    new_images(count)
    for number, image in enumerate(Image.objects.order_by("sha256")):
        Image.objects.filter(pk=image.pk).update(title=str(number))


def run(kind: str, user: User, images: Any = None, **arguments: object) -> AuditEntry:
    """Do a bulk edit; return what the log says of it."""
    chosen = Image.objects.all() if images is None else images
    edit = services.ask_bulk_edit(kind, chosen, started_by_id=user.pk)
    services.start_bulk_edit(edit, arguments)
    edit.refresh_from_db()
    delivery = claim(edit.job.pk)
    while services.apply_next_chunk(edit.pk, delivery=delivery):
        pass
    return AuditEntry.objects.get(object_type="catalog.bulkedit", object_id=str(edit.pk))


def test_a_bulk_edit_is_one_entry_with_the_old_values(ann: User, broker: Broker) -> None:
    name_images(4)
    Image.objects.filter(title="0").update(owner="Bob")
    Image.objects.filter(title="3").update(owner="Ann")

    entry = run(Kind.SET_OWNER, ann, value="Ann")

    assert entries() == [
        (
            *("ann", "started", "catalog.bulkedit", "Set the owner"),
            {"kind": "set_owner", "images": 4, "value": "Ann"},
        )
    ]
    assert entry.actor_id == ann.pk
    assert images_of(entry) == [{"Bob": ["0"], "": ["1", "2"]}]  # the last had it already


@pytest.mark.parametrize(("field", "model"), [("tags", Tag), ("albums", Album)])
def test_a_bulk_edit_of_tags_says_which_images_got_or_lost_which(
    ann: User, broker: Broker, field: str, model: Any
) -> None:
    name_images(3)
    sea, sky = model.objects.create(name="sea"), model.objects.create(name="sky")
    sea.images.set(Image.objects.filter(title="0"))

    added = run(f"add_{field}", ann, names=[sea.pk, sky.pk])
    removed = run(f"remove_{field}", ann, Image.objects.filter(title="2"), names=[sea.pk])

    assert added.details == {"kind": f"add_{field}", "images": 3, "names": ["sea", "sky"]}
    assert images_of(added) == [{"sea": ["1", "2"], "sky": ["0", "1", "2"]}]
    assert images_of(removed) == [{"sea": ["2"]}]


def test_a_bulk_edit_of_many_chunks_stays_one_entry(
    ann: User, broker: Broker, django_assert_max_num_queries: Callable
) -> None:
    new_images(1_200)

    entry = run(Kind.SET_MEDIUM, ann, value="photo")

    assert [len(part.image_ids["unknown"]) for part in entry.images.all()] == [500, 500, 200]
    assert AuditEntry.objects.count() == 1


def test_a_chunk_that_a_crash_undoes_is_not_recorded(
    ann: User, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    name_images(2)
    edit = services.ask_bulk_edit(Kind.SET_OWNER, Image.objects.all(), started_by_id=ann.pk)
    services.start_bulk_edit(edit, {"value": "Ann"})
    edit.refresh_from_db()
    delivery = claim(edit.job.pk)

    def crash(*_: object, **__: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(BulkEdit, "save", crash)
        with pytest.raises(MemoryError):
            services.apply_next_chunk(edit.pk, delivery=delivery)
    assert not AuditedImages.objects.exists()
    recover(delivery, on_dead=services.give_up_or_split)
    edit.refresh_from_db()
    again = claim(edit.job.pk)
    while services.apply_next_chunk(edit.pk, delivery=again):
        pass

    assert images_of(AuditEntry.objects.get()) == [{"": ["0", "1"]}]


def test_the_way_into_the_bin_and_out_of_it(ann: User, broker: Broker) -> None:
    name_images(3)
    one = Image.objects.filter(title="0")

    services.move_to_bin(one, by_id=ann.pk)
    services.restore(one, by_id=ann.pk)
    services.move_to_bin(Image.objects.exclude(title="2"), by_id=ann.pk)
    services.purge(Image.objects.all(), by_id=ann.pk)
    services.purge(Image.objects.all(), by_id=ann.pk)  # nothing is left to do, nor to say

    assert entries() == [
        ("ann", "binned", "catalog.image", "0", {}),
        ("ann", "restored", "catalog.image", "0", {}),
        ("ann", "binned", "", "", {"images": 2}),
        ("ann", "purged", "", "", {"images": 2}),
    ]
    assert [images_of(entry) for entry in AuditEntry.objects.order_by("id")] == [
        *([], []),
        *([{"": ["0", "1"]}], [{"": ["0", "1"]}]),
    ]


@pytest.mark.parametrize("kind", [Kind.BIN, Kind.RESTORE, Kind.PURGE])
def test_the_bin_in_bulk_is_recorded_once(ann: User, broker: Broker, kind: str) -> None:
    name_images(2)
    if kind != Kind.BIN:
        Image.objects.update(binned_at=timezone.now())

    entry = run(kind, ann)

    assert AuditEntry.objects.count() == 1
    assert images_of(entry) == [{"": ["0", "1"]}]


def test_what_goes_by_its_age_goes_by_the_system(broker: Broker) -> None:
    name_images(1)
    Image.objects.update(binned_at=timezone.now() - timedelta(days=31))

    services.purge_expired()

    assert entries() == [("", "purged", "catalog.image", "0", {})]


def file(data: bytes, name: str) -> SourceFile:
    return SourceFile(name, lambda: data)


def test_an_import_is_recorded_when_it_starts_and_ends(
    ann: User, media: Any, broker: Broker
) -> None:
    current = start_import("folder", started_by_id=ann.pk)
    list(take_in(current, [file(plain(RED), "a.png"), file(b"none", "b.png")]))

    assert entries() == [
        ("ann", "started", "ingestion.import", str(current), {}),
        (
            *("ann", "ended", "ingestion.import", str(current)),
            {
                "state": "finished",
                **{"found": 2, "added": 1, "duplicates": 0, "binned": 0, "failed": 1},
            },
        ),
    ]


def test_an_import_that_lost_its_process_is_recorded_too(ann: User) -> None:
    current = start_import("folder", started_by_id=ann.pk)
    type(current).objects.update(touched_at=timezone.now() - ABANDONED_AFTER * 2)

    assert close_abandoned() == 1

    ended = AuditEntry.objects.get(action=Action.ENDED)
    assert (ended.actor_name, ended.details["state"]) == ("ann", "interrupted")


def test_what_an_import_changes_of_known_images_is_recorded(
    ann: User, add_image: AddImage, broker: Broker
) -> None:
    image = add_image(plain(GREEN), "old", owner="Ann")
    image.tags.add(Tag.objects.create(name="sea"))
    said = services.ImageMetadata(title="new", owner="Ann", tags=("sky", "sea"), albums=("2024",))
    again = SourceFile("a.png", lambda: plain(GREEN), metadata=said)
    current = start_import("list", started_by_id=ann.pk)

    list(take_in(current, [again], rules=MetadataRules(known=KnownPolicy.UPDATE)))
    list(take_in(current, [again], rules=MetadataRules(known=KnownPolicy.UPDATE)))

    [entry] = AuditEntry.objects.filter(action=Action.CHANGED)
    assert (entry.actor_name, entry.object_id) == ("ann", str(image.pk))
    assert entry.details == {
        "title": ["old", "new"],
        "tags": [["sea"], ["sea", "sky"]],
        "albums": [[], ["2024"]],
    }


def test_entries_are_in_one_language_whoever_does_it(ann: User, broker: Broker) -> None:
    new_images(1)

    with translation.override("ru"):
        entry = run(Kind.SET_OWNER, ann, value="Ann")

    assert entry.object_name == "Set the owner"


def test_an_entry_outlives_the_account_and_the_image(ann: User) -> None:
    name_images(1)
    audit_log.record(Action.DOWNLOADED, Image.objects.get(), actor_id=ann.pk)

    ann.delete()
    Image.objects.all().delete()

    assert entries() == [("ann", "downloaded", "catalog.image", "0", {})]


@pytest.mark.parametrize(
    ("days", "left"), [(None, {"100", "5"}), (30, {"5"}), (1, set())], ids=["keep", "30", "1"]
)
def test_entries_go_with_the_sweep_when_they_are_old(
    settings: Any, days: int | None, left: set[str]
) -> None:
    settings.AUDIT_LOG_RETENTION_DAYS = days
    for age in (100, 5):
        entry = AuditEntry.objects.create(action=Action.STARTED, object_name=str(age))
        audit_log.record_images(entry, {"": new_images(1) if age == 100 else []})
        AuditEntry.objects.filter(pk=entry.pk).update(at=timezone.now() - timedelta(days=age))

    assert audit_log.delete_expired() == 2 - len(left)

    assert set(AuditEntry.objects.values_list("object_name", flat=True)) == left
    assert AuditedImages.objects.count() == ("100" in left)
