"""Watched folders: what is new in them is taken in, where it lies, and nothing is read twice."""

import os
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone

from audit_log.models import AuditEntry
from catalog import services as catalog
from catalog.models import Album, Image, Occurrence
from ingestion import services
from ingestion.models import Import, ListedFiles, WatchedFolder
from ingestion.services import FolderWatch, ImportOptions, KnownPolicy, MetadataRules
from jobs.models import JobRecord
from kernel.errors import UserInputError
from tests.conftest import Broker
from tests.pictures import numbered
from tests.unit.ingestion.archives import write_zip
from tests.unit.ingestion.turns import counts, work
from worker_api.jobs import sweep

pytestmark = pytest.mark.django_db(transaction=True)

State = Import.State


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    folder = tmp_path / "shelf"
    (folder / "2019").mkdir(parents=True)
    settings.INGEST_ROOTS = (tmp_path,)
    for number, name in enumerate(("2019/paris.png", "tower.png")):
        (folder / name).write_bytes(numbered(number))
    (folder / "clip.mp4").write_bytes(b"film")
    return folder


def watched(folder: Path, **options: Any) -> WatchedFolder:
    return services.watch(str(folder), options=ImportOptions(**options), added_by_id=None)


def look(watch: FolderWatch, times: int = 1) -> int:
    """Look again and again, the time between two looks having passed; return what that began."""
    begun = 0
    for _ in range(times):
        WatchedFolder.objects.update(next_look_at=timezone.now() - timedelta(seconds=1))
        begun += watch.look()
    return begun


def begun_import() -> Import:
    return Import.objects.latest("created_at")


def names_of(current: Import) -> list[str]:
    return sorted(current.images.values_list("path", flat=True))


def test_what_lies_there_and_what_comes_is_taken_in(
    folder: Path, media: Path, broker: Broker
) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    row = watched(folder, tags_from_folders=True)
    watch = FolderWatch()

    assert look(watch) == 0  # it may be that they are still being written
    assert look(watch) == 1
    work(broker)
    first = begun_import()
    assert (counts(first), first.state) == ((2, 2, 0, 0), State.FINISHED)
    assert (first.total, first.source, first.passed_over) == (2, str(folder), {})
    assert [tag.name for tag in Image.objects.get(path="2019/paris.png").tags.all()] == ["2019"]
    row.refresh_from_db()
    assert (row.last_import, row.passed_over) == (first, {"video .mp4": 1})
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before

    (folder / "2019" / "river.png").write_bytes(numbered(7))
    assert look(watch, times=2) == 1
    work(broker)

    assert counts(begun_import()) == (1, 1, 0, 0)
    assert names_of(begun_import()) == ["2019/river.png"]


def test_a_look_that_finds_nothing_leaves_and_reads_nothing(
    folder: Path, media: Path, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched(folder)
    watch = FolderWatch()
    look(watch, times=2)
    work(broker)
    tables = (Import, ListedFiles, JobRecord, AuditEntry)
    rows = [table.objects.count() for table in tables]

    def refuse(path: Path, *arguments: object, **options: object) -> None:
        raise AssertionError(f"{path} is read")

    monkeypatch.setattr(Path, "open", refuse)
    assert look(watch, times=5) == 0
    assert look(FolderWatch(), times=5) == 0  # started again, too

    assert [table.objects.count() for table in tables] == rows
    assert Import.objects.count() == 1


def test_a_file_that_is_being_written_is_left_until_it_rests(
    folder: Path, media: Path, broker: Broker
) -> None:
    watched(folder)
    watch = FolderWatch()
    look(watch, times=2)
    work(broker)
    data = numbered(9)
    path = folder / "slow.png"

    for end in (10, 20, len(data)):
        path.write_bytes(data[:end])
        assert look(watch) == 0
    os.utime(path, (1, 1))  # it is copied with its time, last of all
    assert look(watch) == 0
    assert look(watch) == 1
    work(broker)

    assert counts(begun_import()) == (1, 1, 0, 0)


def test_a_file_that_was_written_again_is_another_picture(
    folder: Path, media: Path, broker: Broker
) -> None:
    watched(folder)
    watch = FolderWatch()
    look(watch, times=2)
    work(broker)

    (folder / "tower.png").write_bytes(numbered(70))
    os.utime(folder / "2019/paris.png", (1, 1))  # touched, and the same
    assert look(watch, times=2) == 1
    work(broker)

    assert counts(begun_import()) == (2, 1, 1, 0)
    assert Image.objects.count() == 3
    assert look(watch, times=3) == 0


def test_pictures_of_files_that_vanish_stay_and_those_that_come_back_cost_nothing(
    folder: Path, media: Path, broker: Broker
) -> None:
    watched(folder)
    watch = FolderWatch()
    look(watch, times=2)
    work(broker)

    shutil.move(folder, folder.with_name("away"))
    folder.mkdir()  # a disk that is not mounted
    assert look(watch, times=2) == 0
    assert Image.objects.filter(binned_at=None).count() == 2
    folder.rmdir()
    shutil.move(folder.with_name("away"), folder)

    assert look(watch, times=3) == 0


def test_a_vanished_file_of_an_import_stops_no_other(
    folder: Path, media: Path, broker: Broker
) -> None:
    watched(folder)
    look(FolderWatch(), times=1)
    watch = FolderWatch()
    look(watch, times=2)
    (folder / "tower.png").unlink()
    (folder / "new.png").write_bytes(numbered(3))  # not among those that were found
    work(broker)

    assert (counts(begun_import()), begun_import().state) == ((1, 1, 0, 0), State.FINISHED)
    assert names_of(begun_import()) == ["2019/paris.png"]


def test_what_was_refused_is_tried_again_among_the_same_files(
    folder: Path, media: Path, broker: Broker
) -> None:
    (folder / "broken.png").write_bytes(b"text")
    watched(folder)
    watch = FolderWatch()
    look(watch, times=2)
    work(broker)
    first = begun_import()
    assert counts(first) == (3, 2, 0, 1)
    assert look(watch, times=3) == 0  # and not by itself
    (folder / "another.png").write_bytes(numbered(8))
    (folder / "broken.png").write_bytes(numbered(4))

    assert services.retry(first, first.failures.all()) == 1
    work(broker)

    assert counts(first) == (3, 3, 0, 0)
    assert names_of(first) == ["2019/paris.png", "broken.png", "tower.png"]


def test_no_look_while_the_import_of_the_last_one_goes_on(
    folder: Path, media: Path, broker: Broker
) -> None:
    row = watched(folder)
    watch = FolderWatch()
    look(watch, times=2)
    (folder / "new.png").write_bytes(numbered(3))

    assert look(watch, times=3) == 0
    row.refresh_from_db()
    assert row.waits_for_import
    assert services.cancel(begun_import())
    assert look(watch, times=2) == 1
    work(broker)
    sweep()
    work(broker)

    assert names_of(begun_import()) == ["new.png"]  # what was cancelled is left


def test_two_processes_never_look_at_once(
    folder: Path, media: Path, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched(folder)
    first, second = FolderWatch(), FolderWatch()
    look(first)
    look(second)
    began: list[int] = []
    real = os.stat

    def meanwhile(path: Any, **options: Any) -> os.stat_result:
        if str(path).endswith(".png") and not began:
            began.append(look(second))
        return real(path, **options)

    monkeypatch.setattr(os, "stat", meanwhile)

    assert look(first) == 1
    assert began == [0]
    assert Import.objects.count() == 1


def test_a_look_whose_process_died_keeps_no_other(
    folder: Path, media: Path, broker: Broker
) -> None:
    row = watched(folder)
    watch = FolderWatch()
    look(watch)
    row.looking_at = timezone.now() - timedelta(seconds=60)
    row.save(update_fields=("looking_at",))
    assert look(watch) == 0

    row.looking_at = timezone.now() - timedelta(seconds=121)
    row.save(update_fields=("looking_at",))

    assert look(watch) == 1


def test_a_look_that_is_told_to_end_leaves_the_folder_to_the_next(
    folder: Path, media: Path, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = watched(folder)
    monkeypatch.setattr("ingestion.services.watching._SAY_EVERY_S", 0.0)

    assert look(FolderWatch(lambda: True), times=3) == 0
    row.refresh_from_db()
    assert (row.looking_at, row.looked_at) == (None, None)

    assert look(FolderWatch(), times=2) == 1


def test_a_paused_folder_is_looked_at_no_more(folder: Path, media: Path, broker: Broker) -> None:
    row = watched(folder)
    watch = FolderWatch()
    look(watch)
    WatchedFolder.objects.update(looking_at=timezone.now())  # during a look

    assert services.pause_watching(row, is_paused=True, by_id=None)
    assert not services.pause_watching(row, is_paused=True, by_id=None)
    assert look(watch, times=3) == 0
    assert services.pause_watching(row, is_paused=False, by_id=None)

    assert look(watch) == 1


def test_what_is_removed_is_forgotten_and_its_import_ends(
    folder: Path, media: Path, broker: Broker
) -> None:
    row = watched(folder)
    look(FolderWatch(), times=1)
    watch = FolderWatch()
    look(watch, times=2)
    row.refresh_from_db()

    services.stop_watching(row, by_id=None)
    work(broker)

    assert (WatchedFolder.objects.count(), begun_import().state) == (0, State.CANCELLED)
    watched(folder)
    assert look(watch, times=2) == 1


def test_why_a_folder_cannot_be_read_is_said_until_it_can(
    folder: Path, media: Path, broker: Broker, settings: Any
) -> None:
    row = watched(folder)
    watch = FolderWatch()
    look(watch)
    shutil.move(folder, folder.with_name("away"))

    assert look(watch) == 0
    row.refresh_from_db()
    assert (row.error_code, row.error_context) == ("folder:user:missing", {"folder": str(folder)})
    settings.INGEST_ROOTS = ()
    look(watch)
    row.refresh_from_db()
    assert row.error_code == "import:user:outside-roots"

    shutil.move(folder.with_name("away"), folder)
    settings.INGEST_ROOTS = (folder,)
    assert look(watch, times=2) == 1
    row.refresh_from_db()
    assert (row.error_code, row.error_context) == ("", {})


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("https://example.org/", "folder:user:no-folder"),
        ("{folder}/all.zip", "folder:user:no-folder"),
        ("{folder}/../..", "import:user:outside-roots"),
        ("{folder}", "folder:user:watched"),
        ("{folder}/2019/..", "folder:user:watched"),
    ],
)
def test_what_cannot_be_watched(
    folder: Path, media: Path, broker: Broker, path: str, code: str
) -> None:
    write_zip(folder / "all.zip", {"a.png": numbered(1)})
    watched(folder)

    with pytest.raises(UserInputError) as refused:
        services.watch(path.format(folder=folder), options=ImportOptions(), added_by_id=None)

    assert refused.value.code == code
    assert WatchedFolder.objects.count() == 1


def test_what_is_in_the_bin_stays_there(folder: Path, media: Path, broker: Broker) -> None:
    watched(folder)
    watch = FolderWatch()
    look(watch, times=2)
    work(broker)
    catalog.move_to_bin(Image.objects.filter(path="tower.png"))
    broker.take("maintenance")
    shutil.copy(folder / "tower.png", folder / "copy.png")

    look(watch, times=2)
    work(broker)

    begun = begun_import()
    assert (begun.found, begun.binned) == (1, 1)
    assert Image.objects.filter(binned_at=None).count() == 1


def test_it_is_told_what_any_import_is_told(folder: Path, media: Path, broker: Broker) -> None:
    keeper = User.objects.create_user("keeper")
    rules = MetadataRules(known=KnownPolicy.KEEP)
    options = ImportOptions(rules=rules, named="the shelf")
    services.watch(str(folder), options=options, added_by_id=keeper.pk)
    shutil.copy(folder / "tower.png", folder / "2019" / "tower.png")

    look(FolderWatch(), times=1)
    look(watch := FolderWatch(), times=1)
    assert look(watch) == 1
    work(broker)

    begun = begun_import()
    assert (counts(begun), begun.started_by) == ((3, 2, 1, 0), keeper)
    assert {image.source for image in Image.objects.all()} == {"the shelf"}
    said = AuditEntry.objects.values_list("object_type", "action", "actor_name")
    assert set(said) >= {
        ("ingestion.watchedfolder", "added", "keeper"),
        ("ingestion.import", "started", "keeper"),
        ("ingestion.import", "ended", "keeper"),
    }


def test_it_goes_on_as_a_visitors_once_its_account_is_gone(
    folder: Path, media: Path, broker: Broker
) -> None:
    keeper = User.objects.create_user("keeper", is_superuser=True)
    options = ImportOptions(rules=MetadataRules(known=KnownPolicy.KEEP))
    services.watch(str(folder), options=options, added_by_id=keeper.pk)
    look(watch := FolderWatch(), times=2)
    work(broker)
    album = Album.objects.create(name="private")
    album.groups.add(Group.objects.create(name="owners"))
    album.images.set(Image.objects.filter(path="tower.png"))

    keeper.delete()
    shutil.copy(folder / "tower.png", folder / "private.png")
    shutil.copy(folder / "2019" / "paris.png", folder / "open.png")
    look(watch, times=2)
    work(broker)

    assert counts(begun_import()) == (2, 0, 2, 0)
    assert list(Occurrence.objects.values_list("path", flat=True)) == ["open.png"]
