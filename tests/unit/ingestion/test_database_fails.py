"""An import while SQL is locked or away: `ingest` waits and loses no picture, a form is told."""

import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.core.management.base import CommandError

from catalog.models import Image
from ingestion.models import Import
from ingestion.services import Pace, start_import, take_in
from ingestion.sources import UploadSource
from jobs.models import JobRecord
from kernel.errors import TransientError
from tests import databases
from tests.conftest import Broker
from tests.pictures import numbered


@pytest.fixture
def file(tmp_path: Path, django_db_blocker) -> Iterator[Path]:
    with django_db_blocker.unblock():
        file = databases.make(tmp_path / "db.sqlite3")
        with databases.using(file):
            yield file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(5):
        (folder / f"{number}.png").write_bytes(numbered(number))
    return folder


def ingest(folder: Path) -> str:
    out = io.StringIO()
    call_command("ingest", str(folder), "--no-wait", stdout=out)
    return out.getvalue()


def test_ingest_waits_for_a_locked_database(
    file: Path, folder: Path, media: Path, broker: Broker
) -> None:
    with databases.locked_for(file, seconds=1):
        said = ingest(folder)

    assert said == "5 files: 5 added, 0 already there, 0 refused.\n"
    assert [job.arguments["image_ids"] for job in JobRecord.objects.all()] == [
        message.arguments["image_ids"] for message in broker.take("bulk")
    ]
    assert Image.objects.filter(job=JobRecord.objects.get()).count() == 5


def test_ingest_waits_in_the_middle_of_a_folder(
    file: Path, folder: Path, media: Path, broker: Broker
) -> None:
    current = start_import("photos")
    outcomes = take_in(current, UploadSource(uploads(5)).files(Counter()), pace=Pace(patience_s=20))
    next(outcomes)

    with databases.locked_for(file, seconds=1):
        rest = list(outcomes)

    current.refresh_from_db()
    assert len(rest) == 4
    assert (current.found, current.added, current.state) == (5, 5, "finished")


def test_ingest_stops_where_waiting_does_not_help(
    file: Path, folder: Path, media: Path, broker: Broker
) -> None:
    with (
        databases.using(file, is_read_only=True),
        pytest.raises(TransientError) as refused,
    ):
        ingest(folder)

    assert refused.value.code == "database:transient:read-only"


def test_ingest_into_a_database_that_fills_up_says_how_to_go_on(
    file: Path, tmp_path: Path, media: Path, broker: Broker
) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for number in range(200):
        (many / f"{number}.png").write_bytes(numbered(number))
    with (
        databases.using(file, init=databases.full(file)),
        # There is room for the import's own row and for some pictures'.
        pytest.raises(CommandError, match="run the same command again to go on"),
    ):
        call_command("ingest", str(many), "--no-wait")

    assert ingest(many).startswith("200 files: ")
    assert Image.objects.count() == 200


def uploads(count: int) -> list[SimpleUploadedFile]:
    return [SimpleUploadedFile(f"{number}.png", numbered(number)) for number in range(count)]


def test_a_form_is_told_at_once(file: Path, media: Path, broker: Broker) -> None:
    current = start_import("form")
    with databases.locked(file), pytest.raises(TransientError) as refused:
        list(take_in(current, UploadSource(uploads(2)).files(Counter())))

    assert refused.value.code == "database:transient:locked"
    assert Import.objects.get().state == "running"  # the sweep closes it
