import os
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from catalog import services as catalog
from catalog.models import Image
from ingestion.models import Import, ImportFailure
from ingestion.selectors import ImportProgress, find_progress
from ingestion.services import Outcome, Result, close_abandoned, start_import, take_in
from ingestion.sources import FolderSource, SourceFile
from jobs.models import JobRecord
from kernel.errors import TransientError, UserInputError
from tests.conftest import Broker
from tests.pictures import RED, encoded, huge_png, many_framed_gif, noise, numbered, plain
from tests.rows import full_images

pytestmark = pytest.mark.django_db(transaction=True)

FAILING = "tests.storages.FailingStorage"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'/>"


def pictures(*numbers: int) -> list[SourceFile]:
    """Sources without a disk: file `n` is a picture like no other."""
    return [SourceFile(f"{n}.png", lambda n=n: numbered(n)) for n in numbers]


def broken(name: str) -> SourceFile:
    def read() -> bytes:
        raise UserInputError("file:user:missing")

    return SourceFile(name, read)


def counts(current: Import) -> tuple[int, int, int, int]:
    current.refresh_from_db()
    return (current.found, current.added, current.duplicates, current.failed)


def take_in_all(files: list[SourceFile], source: str = "/a") -> tuple[Import, list[Outcome]]:
    current = start_import(source)
    return current, list(take_in(current, files))


def sent(broker: Broker) -> list[list[str]]:
    return [message.arguments["image_ids"] for message in broker.take("bulk")]


def test_an_import_takes_in_pictures_and_hands_them_to_the_workers(
    media: Path, broker: Broker
) -> None:
    user = User.objects.create_user("somebody")
    current = start_import("/photos", started_by_id=user.pk)

    outcomes = list(take_in(current, pictures(1, 2)))

    assert [(outcome.name, outcome.result) for outcome in outcomes] == [
        ("1.png", Result.ADDED),
        ("2.png", Result.ADDED),
    ]
    assert counts(current) == (2, 2, 0, 0)
    assert (current.state, current.started_by, current.source) == ("finished", user, "/photos")
    assert current.finished_at >= current.created_at
    ids = [outcome.image_id for outcome in outcomes]
    assert set(current.images.values_list("pk", flat=True)) == set(ids)
    assert sent(broker) == [[str(pk) for pk in ids]]
    image = Image.objects.get(pk=ids[0])
    assert (image.title, image.source) == ("1", "/photos")


def test_nothing_to_take_in(media: Path, broker: Broker) -> None:
    current, outcomes = take_in_all([])

    assert outcomes == []
    assert counts(current) == (0, 0, 0, 0)
    assert current.state == "finished"
    assert sent(broker) == []


def test_a_bad_file_is_recorded_and_never_stops_the_others(media: Path, broker: Broker) -> None:
    files = [
        broken("gone.jpg"),
        *pictures(1),
        SourceFile("notes.jpg", lambda: b"text"),
        *pictures(2),
    ]

    current, outcomes = take_in_all(files)

    assert [outcome.result for outcome in outcomes] == ["failed", "added", "failed", "added"]
    assert counts(current) == (4, 2, 0, 2)
    failures = ImportFailure.objects.values_list("of", "name", "error_code")
    assert list(failures) == [
        (current.pk, "gone.jpg", "file:user:missing"),
        (current.pk, "notes.jpg", "image:user:not-a-picture"),
    ]
    assert outcomes[0].error.code == "file:user:missing"


def test_the_same_content_twice_in_one_import_is_one_image(media: Path, broker: Broker) -> None:
    current, outcomes = take_in_all([*pictures(1), *pictures(1), *pictures(2)])

    assert counts(current) == (3, 2, 1, 0)
    assert outcomes[1].image_id == outcomes[0].image_id
    assert Image.objects.count() == 2
    assert [len(ids) for ids in sent(broker)] == [2]


def test_an_import_meets_what_an_earlier_one_brought(media: Path, broker: Broker) -> None:
    take_in_all(pictures(1, 2))
    broker.take("bulk")

    again, _ = take_in_all(pictures(2, 3, 2))

    assert counts(again) == (3, 1, 2, 0)
    assert again.images.count() == 2
    assert [len(ids) for ids in sent(broker)] == [1]


@pytest.mark.parametrize(
    ("count", "chunks"), [(63, [63]), (64, [64]), (65, [64, 1]), (129, [64, 64, 1])]
)
def test_pictures_are_handed_out_while_the_rest_is_read(
    media: Path, broker: Broker, count: int, chunks: list[int]
) -> None:
    current, _ = take_in_all(pictures(*range(count)))

    assert counts(current) == (count, count, 0, 0)
    assert [len(ids) for ids in sent(broker)] == chunks


def test_the_first_chunk_waits_for_nobody(media: Path, broker: Broker) -> None:
    current = start_import("/a")
    outcomes = take_in(current, pictures(*range(70)))
    for _ in range(64):
        next(outcomes)

    assert [len(ids) for ids in sent(broker)] == [64]
    assert counts(current) == (64, 64, 0, 0)
    assert current.state == "running"
    outcomes.close()


# Interruptions


def test_an_import_that_is_left_keeps_and_hands_out_what_it_has(
    media: Path, broker: Broker
) -> None:
    current = start_import("/a")
    outcomes = take_in(current, pictures(*range(140)))
    next(outcomes)

    outcomes.close()

    assert counts(current) == (64, 64, 0, 0)
    assert current.state == "interrupted"
    assert current.finished_at is not None
    assert [len(ids) for ids in sent(broker)] == [64]


@pytest.mark.parametrize("files_written", [6, 7], ids=["at-an-original", "at-a-thumbnail"])
def test_a_full_disk_interrupts_and_keeps_what_it_has(
    use_storage, broker: Broker, one_thread, files_written: int
) -> None:
    use_storage(FAILING, operation="save", good=files_written)
    current = start_import("/a")

    with pytest.raises(TransientError):
        list(take_in(current, pictures(*range(10))))

    assert counts(current) == (3, 3, 0, 0)
    assert current.state == "interrupted"
    assert [len(ids) for ids in sent(broker)] == [3]

    use_storage()
    again, _ = take_in_all(pictures(*range(10)))
    assert counts(again) == (10, 7, 3, 0)


def test_a_source_that_fails_interrupts_and_keeps_what_it_has(media: Path, broker: Broker) -> None:
    def files() -> Iterator[SourceFile]:
        yield from pictures(1, 2)
        raise OSError("the disk was pulled out")

    current = start_import("/a")
    with pytest.raises(OSError, match="pulled out"):
        list(take_in(current, files()))

    assert counts(current) == (2, 2, 0, 0)
    assert current.state == "interrupted"
    assert [len(ids) for ids in sent(broker)] == [2]


def test_an_image_deleted_during_the_import_does_not_stop_it(media: Path, broker: Broker) -> None:
    # The picture is there when its file is met, and gone when the chunk is recorded.
    take_in_all(pictures(1))
    broker.take("bulk")
    current = start_import("/a")
    outcomes = take_in(current, pictures(1, 2))
    added_one = next(outcomes)
    Image.objects.filter(pk=added_one.image_id).update(status=Image.Status.DELETING)
    catalog.delete_image(added_one.image_id)

    [added] = list(outcomes)

    assert counts(current) == (2, 1, 1, 0)
    assert current.state == "finished"
    assert list(current.images.all()) == [Image.objects.get(pk=added.image_id)]
    assert sent(broker) == [[str(added.image_id)]]


def test_a_file_whose_image_is_being_deleted_is_refused(media: Path, broker: Broker) -> None:
    take_in_all(pictures(1))
    catalog.request_deletion(Image.objects.all())

    again, [outcome] = take_in_all(pictures(1))

    assert outcome.result is Result.FAILED
    assert outcome.error.code == "image:conflict:being-deleted"
    assert counts(again) == (1, 0, 0, 1)
    failure = ImportFailure.objects.get()
    assert (failure.name, failure.error_code) == ("1.png", "image:conflict:being-deleted")


def test_a_failed_image_whose_file_comes_again_is_tried_again(media: Path, broker: Broker) -> None:
    _, [first] = take_in_all(pictures(1))
    broker.take("bulk")
    stored = [path for path in media.rglob("*") if path.is_file()]
    for path in stored:
        path.unlink()
    catalog.record_failed(first.image_id, "storage:ours:file-missing")

    again, [outcome] = take_in_all(pictures(1))

    assert (outcome.result, outcome.image_id) == (Result.DUPLICATES, first.image_id)
    assert counts(again) == (1, 0, 1, 0)
    assert [path for path in stored if path.is_file()] == stored
    image = Image.objects.get()
    assert (image.status, image.error_code) == (Image.Status.QUEUED, "")
    catalog.requeue_stalled()
    assert sent(broker) == [[str(first.image_id)]]


# An import that lost its process


@pytest.mark.parametrize(
    ("state", "silent_min", "is_closed"),
    [
        pytest.param("running", 11, True, id="silent"),
        pytest.param("running", 9, False, id="at-work"),
        pytest.param("finished", 11, False, id="finished"),
    ],
)
def test_an_import_that_fell_silent_is_interrupted(
    state: str, silent_min: int, is_closed: bool
) -> None:
    current = start_import("/a")
    touched_at = timezone.now() - timedelta(minutes=silent_min)
    Import.objects.update(state=state, touched_at=touched_at)

    assert close_abandoned() == int(is_closed)

    current.refresh_from_db()
    assert current.state == ("interrupted" if is_closed else state)
    assert (current.finished_at is not None) == is_closed


def test_an_import_that_has_just_begun_is_left_alone() -> None:
    start_import("/a")

    assert close_abandoned() == 0


def test_every_chunk_says_that_the_import_is_at_work(media: Path, broker: Broker) -> None:
    current = start_import("/a")
    outcomes = take_in(current, pictures(*range(129)))
    next(outcomes)
    Import.objects.update(touched_at=timezone.now() - timedelta(minutes=11))

    for _ in range(64):
        next(outcomes)

    assert close_abandoned() == 0
    list(outcomes)
    assert counts(current) == (129, 129, 0, 0)


def test_an_import_that_was_only_slow_ends_well(media: Path, broker: Broker) -> None:
    current = start_import("/a")
    outcomes = take_in(current, pictures(1))
    next(outcomes)
    Import.objects.update(touched_at=timezone.now() - timedelta(minutes=11))
    close_abandoned()

    assert list(outcomes) == []

    current.refresh_from_db()
    assert current.state == "finished"


# A folder as people have them


@pytest.fixture
def folder(tmp_path: Path, rng) -> Path:
    """Six good pictures (two the same), eight bad files, and what is passed over."""
    root = tmp_path / "photos"
    (root / "Лето 2024" / "море").mkdir(parents=True)
    photo = encoded(noise(rng, 200, 100), "JPEG")
    good = {
        "a.jpg": photo,
        "copy of a.jpeg": photo,
        "png in disguise.jpg": plain(RED),
        "Лето 2024/море/Закат.webp": encoded(noise(rng), "WEBP"),
        "Лето 2024/1.heic": encoded(noise(rng), "HEIF"),
        "animated.gif": many_framed_gif(3),
    }
    bad = {
        "cut.jpg": photo[: len(photo) // 2],
        "empty.png": b"",
        "notes.jpg": b"only text",
        "huge.png": huge_png(60_000, 60_000),
        "endless.gif": many_framed_gif(10_000),
        "logo.svg": SVG,
    }
    passed_over = {"a.txt": b"caption", ".hidden.jpg": photo, "sidecar.json": b"{}"}
    for name, data in (good | bad | passed_over).items():
        (root / name).write_bytes(data)
    (root / "gone.jpg").symlink_to(root / "nowhere.jpg")
    os.mkfifo(root / "pipe.jpg")
    (root / "loop").symlink_to(root)
    return root


BAD = {
    "cut.jpg": "image:user:broken",
    "empty.png": "image:user:empty-file",
    "endless.gif": "image:user:too-many-frames",
    "gone.jpg": "file:user:missing",
    "huge.png": "image:user:too-many-pixels",
    "logo.svg": "image:user:unsupported-format",
    "notes.jpg": "image:user:not-a-picture",
    "pipe.jpg": "file:user:unreadable",
}


def test_a_folder_with_everything_in_it(folder: Path, media: Path, broker: Broker) -> None:
    current, _ = take_in_all(list(FolderSource(folder).files(Counter())), source=str(folder))

    assert counts(current) == (14, 5, 1, 8)
    assert dict(ImportFailure.objects.values_list("name", "error_code")) == BAD
    titles = set(Image.objects.values_list("title", flat=True))
    assert titles == {"a", "png in disguise", "Закат", "1", "animated"}
    assert [len(ids) for ids in sent(broker)] == [5]


def test_the_same_folder_again_adds_nothing(folder: Path, media: Path, broker: Broker) -> None:
    take_in_all(list(FolderSource(folder).files(Counter())))
    files = sorted(path for path in media.rglob("*") if path.is_file())
    broker.take("bulk")

    again, _ = take_in_all(list(FolderSource(folder).files(Counter())))

    assert counts(again) == (14, 0, 6, 8)
    assert sorted(path for path in media.rglob("*") if path.is_file()) == files
    assert again.images.count() == 5
    assert sent(broker) == []
    assert JobRecord.objects.count() == 1


def test_a_file_that_grew_after_it_was_measured(
    tmp_path: Path, settings, media: Path, broker: Broker
) -> None:
    settings.UPLOAD_MAX_BYTES = len(plain())

    current, [outcome] = take_in_all([SourceFile("a.png", lambda: plain() + b"\0")])

    assert outcome.error.code == "image:user:too-large"
    assert counts(current) == (1, 0, 0, 1)


# Progress


def test_progress_counts_what_the_workers_have_done(media: Path, broker: Broker) -> None:
    current, outcomes = take_in_all(pictures(1, 2, 3, 4, 5))
    ids = [outcome.image_id for outcome in outcomes]
    catalog.record_indexed(full_images(ids[:2]))
    catalog.record_failed(ids[2], "image:user:broken")
    catalog.request_deletion(Image.objects.filter(pk=ids[3]))
    other, _ = take_in_all(pictures(1, 9))

    found = find_progress([current.pk, other.pk])

    assert found == {
        current.pk: ImportProgress(indexed=2, failed=1, waiting=1),
        other.pk: ImportProgress(indexed=1, failed=0, waiting=1),
    }
    assert found[current.pk].total == 4


def test_progress_of_an_empty_import_is_zero() -> None:
    current = start_import("/a")

    assert find_progress([current.pk]) == {current.pk: ImportProgress()}


def test_a_long_source_is_cut_to_its_column() -> None:
    assert len(start_import("s" * 1001).source) == 1000
