"""An import is a job with a life: it goes on where it was, stops when told, and leaves room."""

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.utils import timezone

from catalog import services as catalog
from catalog import storage
from catalog.models import Image
from catalog.selectors import are_more_waiting_than
from ingestion import services
from ingestion.models import Import, ImportFailure
from ingestion.selectors import seconds_left
from ingestion.services import (
    ImportOptions,
    ImportPlan,
    ImportTakenOver,
    KnownPolicy,
    MetadataRules,
    Pace,
    chunks,
    runs,
    taking_in,
)
from ingestion.sources import FolderSource, SourceFile
from jobs.models import JobRecord
from jobs.services import claim, finish, give_back
from kernel.errors import ConflictError, TransientError, UserInputError
from tests.conftest import Broker
from tests.pictures import numbered
from tests.rows import full_images, new_images
from tests.unit.ingestion.archives import write_zip
from tests.unit.ingestion.turns import counts, work
from worker_api import imports
from worker_api.jobs import sweep

pytestmark = pytest.mark.django_db(transaction=True)

State = Import.State


@dataclass
class MemorySource:
    """So many pictures, one of them no picture; counts what is read, and may break off."""

    count: int
    breaks_at: int | None = None
    names: str = "{}.png"
    reads: Counter[int] = field(default_factory=Counter)
    name: str = "memory"

    def check(self) -> None:
        """Refuse nothing."""

    def files(self, passed_over: Counter[str]) -> Iterator[SourceFile]:
        passed_over["video .mp4"] += 1
        for number in range(self.count):
            if number == self.breaks_at:
                raise OSError("the disk was pulled out")
            name = self.names.format(number)
            yield SourceFile(name, partial(self._read, number), path=name)

    def _read(self, number: int) -> bytes:
        self.reads[number] += 1
        if number == 3:
            raise UserInputError("file:user:missing")
        return numbered(number % 100)  # from 100 on, the same once more


def begun(**fields: object) -> Import:
    current = services.record_import(["/memory"], name="memory", options=ImportOptions())
    Import.objects.filter(pk=current.pk).update(**fields)
    return services.begin_by_command(current.pk)


def run(current: Import, source: MemorySource, pace: Pace = Pace()) -> Import:  # noqa: B008
    for _ in services.run(current, [source], pace=pace):
        pass
    current.refresh_from_db()
    return current


def facts(current: Import) -> dict[str, object]:
    """All that an import leaves behind, but for ids and times."""
    current.refresh_from_db()
    images = Image.objects.order_by("sha256")
    return {
        "counts": counts(current),
        "state": current.state,
        "passed_over": current.passed_over,
        "failures": sorted(current.failures.values_list("name", "error_code")),
        "images": list(images.values_list("sha256", "title", "path", "source", "status")),
        "linked": current.images.count(),
        "handed_out": images.exclude(job=None).count(),
    }


# Going on


@pytest.mark.parametrize("at", [1, 64, 70, 105], ids=["soon", "at-a-chunk", "within", "copies"])
def test_an_import_that_broke_off_ends_as_an_undisturbed_one(
    media: Path, broker: Broker, at: int
) -> None:
    undisturbed = facts(run(begun(), MemorySource(110)))
    Image.objects.all().delete()
    Import.objects.all().delete()
    JobRecord.objects.all().delete()

    current = begun()
    source = MemorySource(110, breaks_at=at)
    with pytest.raises(OSError, match="pulled out"):
        run(current, source)
    assert counts(current)[0] == at
    assert current.state == State.INTERRUPTED
    source.breaks_at = None
    run(services.begin_by_command(current.pk), source)

    assert facts(current) == undisturbed
    assert undisturbed["counts"] == (110, 100, 9, 1)
    assert source.reads == Counter(range(110))  # each once


@pytest.mark.parametrize("at", [10, 64, 90])
def test_an_import_whose_process_was_killed_ends_as_an_undisturbed_one(
    media: Path, broker: Broker, at: int
) -> None:
    undisturbed = facts(run(begun(), MemorySource(110)))
    Image.objects.all().delete()
    Import.objects.all().delete()
    JobRecord.objects.all().delete()

    current = begun()
    source = MemorySource(110)
    outcomes = services.run(current, [source], pace=Pace())
    for _ in range(at):
        next(outcomes)
    # Killed: nothing of it is recorded any more.
    Import.objects.filter(pk=current.pk).update(runs=100)
    with pytest.raises(ImportTakenOver):
        outcomes.close()
    Import.objects.filter(pk=current.pk).update(state=State.INTERRUPTED)
    run(services.begin_by_command(current.pk), source)

    assert facts(current) == undisturbed
    # Of two chunks, the second was read while the first was added.
    read_twice = range(64, 110) if at <= 64 else ()
    assert {number for number, reads in source.reads.items() if reads > 1} == set(read_twice)


def test_a_source_that_changed_is_looked_at_from_the_front(media: Path, broker: Broker) -> None:
    current = begun()
    with pytest.raises(OSError, match="pulled out"):
        run(current, MemorySource(20, breaks_at=10))
    renamed = MemorySource(20, names="new-{}.png")

    run(services.begin_by_command(current.pk), renamed)

    assert counts(current) == (20, 10, 9, 1)
    assert renamed.reads == Counter(range(20))
    assert [failure.name for failure in current.failures.all()] == ["new-3.png"]
    assert Image.objects.count() == 19


def test_the_same_sources_started_twice_at_once(media: Path, broker: Broker) -> None:
    one, two = begun(), begun()
    first = services.run(one, [MemorySource(70)], pace=Pace())
    second = services.run(two, [MemorySource(70)], pace=Pace())
    for _ in range(70):
        next(first)
        next(second)

    assert [*first, *second] == []

    assert [counts(one), counts(two)] == [(70, 69, 0, 1), (70, 0, 69, 1)]
    assert Image.objects.count() == 69
    handed_out = [pk for message in broker.take("bulk") for pk in message.arguments["image_ids"]]
    assert sorted(handed_out) == sorted(map(str, Image.objects.values_list("pk", flat=True)))


def test_of_two_runs_of_an_import_the_older_one_ends(media: Path, broker: Broker) -> None:
    old = begun()
    outcomes = services.run(old, [MemorySource(70)], pace=Pace())
    next(outcomes)

    new = services.begin_by_command(old.pk)
    with pytest.raises(ImportTakenOver) as refused:
        list(outcomes)

    assert isinstance(refused.value, ConflictError)
    assert counts(new) == (64, 63, 0, 1)
    assert run(new, MemorySource(70)).added == 69
    assert new.state == State.FINISHED


@pytest.mark.parametrize(
    ("state", "sources", "code"),
    [
        (State.FINISHED, ["/memory"], "import:user:over"),
        (State.CANCELLED, ["/memory"], "import:user:over"),
        (State.INTERRUPTED, [], "import:user:no-source"),
    ],
)
def test_what_a_command_cannot_go_on_with(state: str, sources: list[str], code: str) -> None:
    current = Import.objects.create(source="a", sources=sources, state=state)

    with pytest.raises(UserInputError) as refused:
        services.begin_by_command(current.pk)

    assert refused.value.code == code
    current.refresh_from_db()
    assert current.state == state


# Pausing, cancelling


@pytest.mark.parametrize(
    ("tell", "state"), [(services.pause, State.PAUSED), (services.cancel, State.CANCELLED)]
)
def test_an_import_stops_at_the_end_of_its_chunk(
    media: Path, broker: Broker, tell, state: str
) -> None:
    current = begun()
    source = MemorySource(200)
    outcomes = services.run(current, [source], pace=Pace())
    for _ in range(10):
        next(outcomes)

    assert in_another_connection(partial(tell, Import.objects.get(pk=current.pk)))
    list(outcomes)

    assert counts(current)[0] == 64
    assert (current.state, source.reads.total()) == (state, 3 * 64)  # two are read ahead
    assert Image.objects.exclude(job=None).count() == 63
    assert not tell(current)  # once is enough


def in_another_connection(work) -> bool:
    """Do it as another process would."""
    said = []

    def do() -> None:
        said.append(work())
        connections.close_all()

    thread = Thread(target=do)
    thread.start()
    thread.join()
    return said[0]


def test_a_paused_import_goes_on_where_it_was(media: Path, broker: Broker) -> None:
    current = begun()
    source = MemorySource(100)
    outcomes = services.run(current, [source], pace=Pace())
    next(outcomes)
    services.pause(current)
    list(outcomes)

    run(services.begin_by_command(current.pk), source)

    assert counts(current) == (100, 99, 0, 1)
    assert current.state == State.FINISHED
    assert source.reads == Counter(range(100)) + Counter(range(64, 100))  # read ahead, and left


def test_a_pause_during_the_last_chunk_comes_too_late(media: Path, broker: Broker) -> None:
    current = begun()
    outcomes = services.run(current, [MemorySource(5)], pace=Pace())
    next(outcomes)
    services.pause(current)

    list(outcomes)

    assert (counts(current)[0], current.state) == (5, State.FINISHED)


def test_a_chunk_is_recorded_after_a_while_though_it_is_not_full(
    media: Path, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "_CHUNK_S", 0)
    current = begun()
    outcomes = services.run(current, [MemorySource(5)], pace=Pace())
    next(outcomes)

    services.pause(current)
    list(outcomes)

    assert (counts(current)[0], current.state) == (1, State.PAUSED)


# Back pressure


def test_a_run_waits_while_too_many_pictures_wait(
    media: Path, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking_in, "_LOOK_EVERY_S", 0)
    waited = []

    def index_some() -> None:
        current.refresh_from_db()
        waited.append(current.is_waiting)
        ids = Image.objects.filter(status="queued").values_list("pk", flat=True)[:20]
        catalog.record_indexed(full_images(list(ids)))

    current = begun()
    run(current, MemorySource(100), Pace(max_waiting=30, on_waiting=index_some))

    # 63 of the first chunk are there: 30 may wait, so that two times 20 are indexed first.
    assert waited == [True, True]
    assert counts(current) == (100, 99, 0, 1)
    assert (current.state, current.is_waiting) == (State.FINISHED, False)


@pytest.mark.parametrize(("limit", "goes_on"), [(0, True), (63, True), (62, False)])
def test_so_many_pictures_may_wait(media: Path, broker: Broker, limit: int, goes_on: bool) -> None:
    current = begun()

    run(current, MemorySource(100), Pace(max_waiting=limit, waits=False))

    assert counts(current)[0] == (100 if goes_on else 64)
    assert current.state == (State.FINISHED if goes_on else State.RUNNING)
    assert current.is_waiting == (not goes_on)


def test_an_import_that_waits_can_be_paused(media: Path, broker: Broker) -> None:
    current = begun()
    new_images(3)

    run(current, MemorySource(3), Pace(max_waiting=2, on_waiting=lambda: services.pause(current)))

    assert (counts(current)[0], current.state) == (0, State.PAUSED)


def test_where_no_worker_is_the_run_ends(
    media: Path, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking_in, "_NO_WORKER_S", 0)
    new_images(3)
    current = begun()

    with pytest.raises(TransientError) as refused:
        run(current, MemorySource(3), Pace(max_waiting=2))

    assert refused.value.code == "import:transient:no-workers"
    current.refresh_from_db()
    assert current.state == State.INTERRUPTED


def test_looking_whether_many_wait_counts_no_further(django_assert_num_queries) -> None:
    new_images(5)

    with django_assert_num_queries(1) as asked:
        assert are_more_waiting_than(4)

    assert "LIMIT 1 OFFSET 4" in asked.captured_queries[0]["sql"]
    assert not are_more_waiting_than(5)


# Turns of workers


@pytest.fixture
def folder(tmp_path: Path, settings) -> Path:
    """A folder of 3 pictures, a bad file and a film, which workers may read."""
    root = tmp_path / "allowed"
    folder = root / "photos"
    folder.mkdir(parents=True)
    for number in range(3):
        (folder / f"{number}.png").write_bytes(numbered(number))
    (folder / "notes.jpg").write_bytes(b"text")
    (folder / "clip.mp4").write_bytes(b"film")
    settings.INGEST_ROOTS = (root,)
    return folder


def planned(source: Path | str, **options: object) -> Import:
    return services.plan_import(
        source=str(source), options=ImportOptions(**options), started_by_id=None
    )


def test_workers_plan_an_import_and_run_it_once_it_is_started(
    media: Path, broker: Broker, folder: Path
) -> None:
    (folder / "copy.png").write_bytes(numbered(0))
    current = planned(folder)
    assert current.state == State.PLANNED
    assert not services.start(current)  # there is no plan yet

    work(broker)

    current.refresh_from_db()
    assert (current.state, current.found, Image.objects.count()) == (State.PLANNED, 0, 0)
    sizes = sum(path.stat().st_size for path in folder.iterdir() if path.suffix != ".mp4")
    assert current.plan == {
        **{"files": 5, "file_bytes": sizes, "sized": 5, "passed_over": {"video .mp4": 1}},
        **{"read": 5, "known": 1, "is_complete": True},
    }

    assert services.start(current)
    assert not services.start(current)
    work(broker)

    assert counts(current) == (5, 3, 1, 1)
    assert (current.state, current.total) == (State.FINISHED, 5)
    assert {image.source for image in Image.objects.all()} == {str(folder)}


def test_a_worker_hands_on_after_its_turn(
    media: Path, broker: Broker, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "_CHUNK_S", 0)
    monkeypatch.setattr(runs, "_MAX_TURN_S", 0)
    current = planned(folder)
    work(broker)
    services.start(current)

    assert work(broker) == 4  # a file a turn of no length

    assert counts(current) == (4, 3, 0, 1)
    assert current.state == State.FINISHED


def test_imports_have_turns_one_at_a_time(media: Path, broker: Broker, folder: Path) -> None:
    one, two = planned(folder), planned(folder)
    work(broker)
    assert [services.start(one), services.start(two)] == [True, True]

    [message] = broker.take("maintenance")

    assert message.arguments["import_id"] == str(one.pk)
    assert services.hand_out_imports() == 0
    delivery = claim(UUID(message.arguments["job_id"]))
    imports.run_turn(one.pk, delivery=delivery)
    [message] = broker.take("maintenance")
    assert message.arguments["import_id"] == str(two.pk)


def test_a_worker_hands_back_while_too_many_pictures_wait(
    media: Path, broker: Broker, folder: Path, settings
) -> None:
    settings.INGEST_MAX_WAITING = 4
    new_images(5)
    current = planned(folder)
    work(broker)

    services.start(current)
    assert broker.take("maintenance") == []
    Image.objects.filter(sha256__endswith="4").update(status="indexed")
    assert services.hand_out_imports() == 0  # four wait still, and it would soon wait again
    Image.objects.filter(sha256__endswith="3").update(status="indexed")
    Image.objects.filter(sha256__endswith="2").update(status="indexed")
    assert services.hand_out_imports() == 1
    new_images_wait = Image.objects.update(status="queued")
    work(broker)

    assert new_images_wait == 5
    assert counts(current)[0] == 0
    assert (current.state, current.is_waiting) == (State.RUNNING, True)


def test_an_import_whose_worker_died_is_resumed_by_the_sweep(
    media: Path, broker: Broker, folder: Path
) -> None:
    current = planned(folder)
    work(broker)
    services.start(current)
    [message] = broker.take("maintenance")
    delivery = claim(UUID(message.arguments["job_id"]))
    finish(delivery, error_code="job:ours:gave-up")
    sweep()
    assert broker.take("maintenance") == []  # not at once

    JobRecord.objects.update(finished_at=timezone.now() - timedelta(seconds=61))
    assert sweep().imports == 1
    work(broker)

    assert (counts(current), current.state) == ((4, 3, 0, 1), State.FINISHED)


def test_a_storage_that_is_away_interrupts_and_the_job_comes_again(
    use_storage, broker: Broker, folder: Path, one_thread
) -> None:
    use_storage()
    current = planned(folder)
    work(broker)
    services.start(current)
    use_storage("tests.storages.FailingStorage", operation="save", good=2)
    [message] = broker.take("maintenance")
    delivery = claim(UUID(message.arguments["job_id"]))
    with pytest.raises(TransientError):
        imports.run_turn(current.pk, delivery=delivery)
    give_back(delivery, error_code="storage:transient:unavailable")
    assert counts(current) == (1, 1, 0, 0)
    assert current.state == State.INTERRUPTED

    use_storage()
    imports.run_turn(current.pk, delivery=claim(delivery.job_id))

    assert (counts(current), current.state) == ((4, 3, 0, 1), State.FINISHED)


def test_an_import_that_never_gets_on_is_given_up(
    media: Path, broker: Broker, folder: Path
) -> None:
    current = planned(folder)
    work(broker)
    services.start(current)
    Import.objects.update(tries=runs._MAX_TRIES)

    work(broker)

    current.refresh_from_db()
    assert (current.state, current.error_code) == (State.FAILED, "import:ours:gave-up")
    assert sweep().imports == 0

    assert services.resume(current)
    work(broker)
    assert (counts(current), current.state) == ((4, 3, 0, 1), State.FINISHED)


def test_a_source_that_cannot_be_read_fails_with_its_reason(
    media: Path, broker: Broker, folder: Path
) -> None:
    current = planned(folder / "nowhere")

    work(broker)

    current.refresh_from_db()
    assert (current.state, current.error_code) == (State.FAILED, "folder:user:missing")
    assert current.error_context == {"folder": str(folder / "nowhere")}
    (folder / "nowhere").mkdir()
    assert services.resume(current)
    work(broker)
    current.refresh_from_db()
    assert (current.state, current.plan["files"], current.error_code) == (State.PLANNED, 0, "")


def test_a_job_that_is_not_the_imports_does_nothing(
    media: Path, broker: Broker, folder: Path
) -> None:
    current = planned(folder)
    [message] = broker.take("maintenance")
    Import.objects.update(job=None)

    imports.run_turn(current.pk, delivery=claim(UUID(message.arguments["job_id"])))

    current.refresh_from_db()
    assert (current.plan, current.runs) == (None, 0)


# What workers may read


def test_workers_read_below_the_roots_alone(tmp_path: Path, folder: Path, broker: Broker) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (folder / "way out").symlink_to(secret)

    for path in (secret, folder / "way out", folder / ".." / ".." / "secret", "photos", "\0"):
        with pytest.raises(UserInputError) as refused:
            planned(path)
        assert refused.value.code == "import:user:outside-roots"
    assert not Import.objects.exists()


def test_a_link_among_the_pictures_leads_out_of_no_root(
    tmp_path: Path, media: Path, folder: Path, broker: Broker
) -> None:
    (tmp_path / "secret.png").write_bytes(numbered(7))
    (folder / "2.png").unlink()
    (folder / "2.png").symlink_to(tmp_path / "secret.png")
    (folder / "twin.png").symlink_to(folder / "1.png")
    current = planned(folder)
    work(broker)
    services.start(current)

    work(broker)

    assert counts(current) == (5, 2, 1, 2)
    refused = current.failures.values_list("name", "error_code")
    assert ("2.png", "file:user:outside") in refused


def test_a_root_that_is_taken_back_stops_an_import(
    media: Path, folder: Path, broker: Broker, settings
) -> None:
    current = planned(folder)
    work(broker)
    services.start(current)
    settings.INGEST_ROOTS = ()

    work(broker)

    current.refresh_from_db()
    assert (current.state, current.error_code) == (State.FAILED, "import:user:outside-roots")


def test_an_import_of_a_command_is_resumed_by_workers_where_they_may_read_it(
    media: Path, folder: Path, broker: Broker, settings
) -> None:
    allowed, settings.INGEST_ROOTS = settings.INGEST_ROOTS, ()
    current = services.record_import([str(folder)], name="a", options=ImportOptions())
    with pytest.raises(UserInputError) as refused:
        services.resume(current)
    assert refused.value.code == "import:user:outside-roots"
    settings.INGEST_ROOTS = allowed

    assert services.resume(current)
    work(broker)

    assert (counts(current), current.state) == ((4, 3, 0, 1), State.FINISHED)


# Trying again


def test_failures_are_tried_again_all_or_some(media: Path, folder: Path, broker: Broker) -> None:
    for name in ("a.png", "b.png", "c.png"):
        (folder / name).write_bytes(b"not yet")
    current = planned(folder)
    work(broker)
    services.start(current)
    work(broker)
    assert counts(current) == (7, 3, 0, 4)
    for number, name in enumerate(("a.png", "b.png"), start=10):
        (folder / name).write_bytes(numbered(number))
    (folder / "c.png").unlink()

    assert services.retry(current, ImportFailure.objects.filter(name="a.png")) == 1
    work(broker)
    assert (counts(current), current.state) == ((7, 4, 0, 3), State.FINISHED)

    assert services.retry(current, ImportFailure.objects.all()) == 3
    work(broker)

    assert (counts(current), current.state) == ((7, 5, 0, 2), State.FINISHED)
    assert list(current.failures.values_list("name", "error_code", "retry_at")) == [
        ("c.png", "file:user:missing", None),
        ("notes.jpg", "image:user:not-a-picture", None),
    ]
    assert current.images.count() == 5


def test_a_retry_that_is_asked_for_during_the_last_turn_is_not_forgotten(
    media: Path, folder: Path, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "notes.jpg").rename(folder / "0-notes.jpg")
    current = planned(folder)
    work(broker)
    services.start(current)
    [message] = broker.take("maintenance")
    delivery = claim(UUID(message.arguments["job_id"]))
    monkeypatch.setattr(chunks, "_CHUNK_S", 0)
    read = FolderSource.files

    def files(self: FolderSource, passed_over: Counter[str]) -> Iterator[SourceFile]:
        yield from read(self, passed_over)
        if Import.objects.get().failed:  # all was read: now somebody asks
            (folder / "0-notes.jpg").write_bytes(numbered(9))
            services.retry(current, ImportFailure.objects.all())

    monkeypatch.setattr(FolderSource, "files", files)
    imports.run_turn(current.pk, delivery=delivery)
    finish(delivery)
    assert (counts(current), current.state) == ((4, 3, 0, 1), State.RUNNING)
    monkeypatch.undo()

    work(broker)

    assert (counts(current), current.state) == ((4, 4, 0, 0), State.FINISHED)


def test_an_import_whose_source_is_away_keeps_no_other_from_its_turn(
    media: Path, broker: Broker, folder: Path
) -> None:
    away, other = planned(folder), planned(folder)
    work(broker)
    services.start(away)
    services.start(other)
    [message] = broker.take("maintenance")
    give_back(claim(UUID(message.arguments["job_id"])), error_code="bucket:transient:unavailable")

    assert services.hand_out_imports() == 1
    [message] = broker.take("maintenance")
    assert message.arguments["import_id"] == str(other.pk)
    assert services.hand_out_imports() == 0


def test_a_form_that_the_storage_does_not_take_leaves_nothing(use_storage, broker: Broker) -> None:
    folder = use_storage("tests.storages.FailingStorage", operation="save", good=1)
    uploads = [SimpleUploadedFile(f"{n}.png", numbered(n)) for n in range(2)]

    with pytest.raises(TransientError):
        services.plan_import(uploads=uploads, options=ImportOptions(), started_by_id=None)

    assert Import.objects.get().state == State.CANCELLED
    assert broker.take("maintenance") == []
    Import.objects.update(touched_at=timezone.now() - timedelta(minutes=6))
    services.forget_ended()
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_files_of_a_form_that_cannot_be_removed_stop_no_sweep(use_storage, broker: Broker) -> None:
    use_storage()
    upload = SimpleUploadedFile("a.png", numbered(1))
    current = services.plan_import(uploads=[upload], options=ImportOptions(), started_by_id=None)
    services.cancel(current)
    Import.objects.update(touched_at=timezone.now() - timedelta(minutes=6))
    use_storage("tests.storages.FailingStorage", operation="delete")

    assert services.forget_ended() == 0

    current.refresh_from_db()
    assert current.has_upload


def test_failures_of_others_are_not_tried(media: Path, folder: Path, broker: Broker) -> None:
    mine, other = planned(folder), planned(folder)
    for current in (mine, other):
        ImportFailure.objects.create(of=current, name="notes.jpg", error_code="x")
        Import.objects.filter(pk=current.pk).update(state=State.FINISHED)

    assert services.retry(mine, ImportFailure.objects.all()) == 1

    assert other.failures.get().retry_at is None


def test_files_of_a_form_are_gone_once_their_import_ended(media: Path, broker: Broker) -> None:
    uploads = [SimpleUploadedFile(name, numbered(n)) for n, name in enumerate(("а.png", "b.png"))]
    current = services.plan_import(uploads=uploads, options=ImportOptions(), started_by_id=None)
    work(broker)
    services.start(current)
    work(broker)
    assert counts(current) == (2, 2, 0, 0)
    assert set(Image.objects.values_list("path", "title", "source")) == {
        ("а.png", "а", "upload"),
        ("b.png", "b", "upload"),
    }
    assert (media / "imports" / str(current.pk) / "а.png").exists()
    assert services.forget_ended() == 0  # it may still be read

    Import.objects.update(touched_at=timezone.now() - timedelta(minutes=6))
    assert services.forget_ended() == 1

    assert not (media / "imports" / str(current.pk)).exists()
    with pytest.raises(UserInputError) as refused:
        services.retry(current, ImportFailure.objects.all())
    assert refused.value.code == "import:user:no-source"


def test_files_of_a_form_are_read_from_a_storage_that_is_no_folder(
    tmp_path: Path, broker: Broker, settings
) -> None:
    memory = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    settings.STORAGES = settings.STORAGES | {"default": memory}
    archive = tmp_path / "two.zip"
    write_zip(archive, {"a/1.png": numbered(1), "2.png": numbered(2)})
    upload = SimpleUploadedFile("two.zip", archive.read_bytes())
    current = services.plan_import(uploads=[upload], options=ImportOptions(), started_by_id=None)
    work(broker)
    services.start(current)

    work(broker)

    assert (counts(current), current.state) == ((2, 2, 0, 0), State.FINISHED)
    assert set(Image.objects.values_list("path", "source")) == {
        ("a/1.png", "upload"),
        ("2.png", "upload"),
    }
    Import.objects.update(touched_at=timezone.now() - timedelta(minutes=6))
    services.forget_ended()
    assert list(storage.list_names(storage.IMPORTS)) == []


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        (["../../etc/passwd", "..\\..\\x.png"], {"passwd", "x.png"}),
        (["a.png", "A.png", "a.png"], {"a.png", "A (2).png", "a (3).png"}),
        (["", ".hidden.png", "\0\n.png"], {"file", "hidden.png", "png"}),
        (["я" * 300 + ".png"], {"я" * 98 + ".png"}),
    ],
)
def test_names_of_a_form_lead_nowhere(
    media: Path, broker: Broker, names: list[str], kept: set[str]
) -> None:
    uploads = []
    for name in names:
        upload = SimpleUploadedFile("x", b"x")
        upload._name = name
        uploads.append(upload)

    current = services.plan_import(uploads=uploads, options=ImportOptions(), started_by_id=None)

    folder = media / "imports" / str(current.pk)
    assert {path.name for path in folder.iterdir()} == kept
    assert [path for path in media.rglob("*") if path.is_file() and path.parent != folder] == []


def test_a_plan_that_nobody_starts_is_forgotten(media: Path, broker: Broker) -> None:
    upload = SimpleUploadedFile("a.png", numbered(1))
    current = services.plan_import(uploads=[upload], options=ImportOptions(), started_by_id=None)
    Import.objects.update(
        created_at=timezone.now() - timedelta(days=2),
        touched_at=timezone.now() - timedelta(days=2),
    )

    assert services.forget_ended() == 2

    current.refresh_from_db()
    assert (current.state, current.has_upload) == (State.CANCELLED, False)
    assert [path for path in media.rglob("*") if path.is_file()] == []


# Room on the disk


def test_an_import_that_would_fill_the_disk_is_not_started(
    media: Path, folder: Path, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    current = planned(folder)
    work(broker)
    current.refresh_from_db()
    free = 1024**3 + plan_of(current).needed_bytes
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free - 1))
    with pytest.raises(UserInputError) as refused:
        services.start(current)
    assert refused.value.code == "import:user:disk-full"
    current.refresh_from_db()
    assert current.state == State.PLANNED

    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    assert services.start(current)


def plan_of(current: Import) -> ImportPlan:
    return ImportPlan.from_json(current.plan)


def test_what_is_known_needs_no_room() -> None:
    plan = ImportPlan(files=200, file_bytes=10_000_000, sized=200, read=50, known=25)

    assert plan.needed_bytes == (10_000_000 + 200 * 150_000) // 2


# How fast, and how long still


def test_the_rate_and_the_time_left(media: Path, broker: Broker) -> None:
    current = begun(total=190)
    Import.objects.update(recorded_at=timezone.now() - timedelta(seconds=100))

    outcomes = services.run(current, [MemorySource(100)], pace=Pace())
    for _ in range(64):
        next(outcomes)
    current.refresh_from_db()

    assert current.rate == pytest.approx(0.64, abs=0.03)
    assert seconds_left(current) == pytest.approx((190 - 64) / current.rate)
    outcomes.close()
    current.refresh_from_db()
    assert seconds_left(current) is None  # it does not run


@pytest.mark.parametrize(
    "options",
    [
        ImportOptions(),
        ImportOptions(
            rules=MetadataRules(known=KnownPolicy.UPDATE, titles_from_paths=True),
            named="shelf",
            albums_from_folders=True,
        ),
    ],
)
def test_options_survive_their_row(options: ImportOptions) -> None:
    current = services.record_import(["/a"], name="a", options=options)
    current.refresh_from_db()

    assert ImportOptions.from_json(current.options) == options


@pytest.mark.parametrize(
    ("fields", "is_gone_on_with"),
    [
        pytest.param({}, True, id="interrupted"),
        pytest.param({"state": "running"}, True, id="killed"),
        pytest.param({"options": {"rules": {"known": "skip"}}}, True, id="earlier-release"),
        pytest.param({"state": "paused"}, False, id="paused"),
        pytest.param({"state": "finished"}, False, id="finished"),
        pytest.param({"by_workers": True}, False, id="of-workers"),
        pytest.param({"sources": ["/b"]}, False, id="other-sources"),
        pytest.param({"options": ImportOptions(named="x").to_json()}, False, id="other-options"),
    ],
)
def test_the_same_command_goes_on_with(fields: dict[str, object], *, is_gone_on_with: bool) -> None:
    current = services.record_import(["/a"], name="a", options=ImportOptions())
    Import.objects.update(**fields)

    def find(*, was_killed: bool) -> Import | None:
        gone = lambda _: was_killed  # noqa: E731
        return services.find_interrupted(["/a"], ImportOptions(), was_killed=gone)

    assert find(was_killed=True) == (current if is_gone_on_with else None)
    if fields == {"state": "running"}:
        assert find(was_killed=False) is None
