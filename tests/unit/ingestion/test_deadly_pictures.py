"""A picture that ends the process that reads it: it is found, left out, and the rest comes in."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from django.db import OperationalError
from django.utils import timezone

from catalog.services import give_up_or_split
from ingestion import services
from ingestion.models import Import, ImportFailure
from ingestion.services import ImportOptions, Pace, runs
from ingestion.sources import SourceFile
from jobs.models import JobRecord
from jobs.services import claim, finish, recover
from kernel.errors import TransientError
from tests.conftest import Broker
from tests.pictures import numbered, plain
from tests.unit.ingestion.turns import counts
from worker_api import imports
from worker_api.jobs import sweep

State = Import.State
CODE = "image:ours:ends-worker"

# `manage.py ingest` with a decoder that has a fault: a picture of 13 × 7 ends its process.
COMMAND = """
import os, signal, sys
from PIL import Image
right = Image.open
def faulty(*arguments, **options):
    opened = right(*arguments, **options)
    if opened.size == (13, 7):
        os.kill(os.getpid(), signal.SIGSEGV)
    return opened
Image.open = faulty
sys.argv = ["manage.py", *sys.argv[1:]]
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""


class Died(BaseException):
    """The process is gone."""


@dataclass
class DeadlySource:
    """So many pictures; whoever reads the deadly ones dies."""

    count: int
    deadly: frozenset[int]
    reads: Counter[int] = field(default_factory=Counter)
    name: str = "memory"
    death: BaseException = field(default_factory=Died)

    def check(self) -> None:
        """Refuse nothing."""

    def files(self, passed_over: Counter[str]) -> Iterator[SourceFile]:
        for number in range(self.count):
            yield SourceFile(f"{number}.png", partial(self._read, number), path=f"{number}.png")

    def _read(self, number: int) -> bytes:
        self.reads[number] += 1
        if number in self.deadly:
            raise self.death
        return numbered(number)


def run_until_it_ends(source: DeadlySource, *, limit: int) -> tuple[Import, int]:
    """Run an import again after each death, as commands do; return it and the deaths."""
    current = services.record_import(["/memory"], name="memory", options=ImportOptions())
    for deaths in range(limit):
        current = services.begin_by_command(current.pk)
        try:
            for _ in services.run(current, [source], pace=Pace()):
                pass
        except Died:
            # What a process that is gone leaves: it has not said that it ended.
            Import.objects.filter(pk=current.pk).update(state=State.RUNNING)
        else:
            current.refresh_from_db()
            return current, deaths
    raise AssertionError("it dies for ever")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("deadly", "deaths"),
    [({0}, 3), ({70}, 3), ({99}, 3), ({5, 6}, 5), ({5, 80}, 5)],
    ids=["first", "within", "last", "side-by-side", "in-two-chunks"],
)
def test_the_picture_is_found_and_the_rest_comes_in(
    media: Path, broker: Broker, deadly: set[int], deaths: int
) -> None:
    source = DeadlySource(100, frozenset(deadly))

    current, died = run_until_it_ends(source, limit=10)

    assert died == deaths
    assert counts(current) == (100, 100 - len(deadly), 0, len(deadly))
    assert current.state == State.FINISHED
    assert (current.is_careful, current.suspect, current.deaths) == (False, "", 0)
    refused = current.failures.values_list("name", "error_code")
    assert sorted(refused) == sorted((f"{number}.png", CODE) for number in deadly)


@pytest.mark.django_db(transaction=True)
def test_a_process_that_dies_of_something_else_costs_no_picture(
    media: Path, broker: Broker
) -> None:
    current = services.record_import(["/memory"], name="memory", options=ImportOptions())
    for number in range(3):  # each time at another one
        current = services.begin_by_command(current.pk)
        with pytest.raises(Died):
            list(services.run(current, [DeadlySource(20, frozenset({number}))], pace=Pace()))
        Import.objects.filter(pk=current.pk).update(state=State.RUNNING)

    current = services.begin_by_command(current.pk)
    list(services.run(current, [DeadlySource(20, frozenset())], pace=Pace()))

    assert counts(current) == (20, 20, 0, 0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "reason",
    [
        TransientError("storage:transient:unavailable"),
        OperationalError("gone"),
        KeyboardInterrupt(),
    ],
    ids=["storage", "database", "by-hand"],
)
def test_what_is_no_fault_of_the_file_costs_none(
    media: Path, broker: Broker, reason: BaseException
) -> None:
    current = services.record_import(["/memory"], name="memory", options=ImportOptions())
    source = DeadlySource(5, frozenset({2}), death=reason)
    for _ in range(6):
        current = services.begin_by_command(current.pk)
        with pytest.raises(type(reason)):
            list(services.run(current, [source], pace=Pace()))

    current = services.begin_by_command(current.pk)
    list(services.run(current, [DeadlySource(5, frozenset())], pace=Pace()))

    assert counts(current) == (5, 5, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_a_file_that_nobody_expected_is_left_out_too(media: Path, broker: Broker) -> None:
    current = services.record_import(["/memory"], name="memory", options=ImportOptions())
    source = DeadlySource(5, frozenset({2}), death=MemoryError())
    for _ in range(3):
        current = services.begin_by_command(current.pk)
        with pytest.raises(MemoryError):
            list(services.run(current, [source], pace=Pace()))

    current = services.begin_by_command(current.pk)
    list(services.run(current, [source], pace=Pace()))

    assert counts(current) == (5, 4, 0, 1)


@pytest.mark.django_db(transaction=True)
def test_one_that_is_tried_again_costs_two_deaths_once_more(media: Path, broker: Broker) -> None:
    current, _ = run_until_it_ends(DeadlySource(3, frozenset({1})), limit=10)
    current.failures.update(retry_at=timezone.now())
    Import.objects.update(state=State.INTERRUPTED)
    source = DeadlySource(3, frozenset({1}))
    for _ in range(runs._MAX_DEATHS):
        current = services.begin_by_command(current.pk)
        with pytest.raises(Died):
            list(services.run(current, [source], pace=Pace()))

    current = services.begin_by_command(current.pk)
    list(services.run(current, [source], pace=Pace()))

    assert counts(current) == (3, 2, 0, 1)
    assert ImportFailure.objects.get().error_code == CODE
    assert source.reads == {1: 2}


@pytest.mark.django_db(transaction=True)
def test_workers_find_it_too(
    media: Path, broker: Broker, tmp_path: Path, settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(5):
        (folder / f"{number}.png").write_bytes(numbered(number))
    settings.INGEST_ROOTS = (folder,)
    current = services.record_import([str(folder)], name="folder", options=ImportOptions())
    assert services.resume(current)
    real = Path.open

    def opened(path: Path, *arguments: object, **options: object):
        if path.name == "3.png":
            raise Died
        return real(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", opened)

    deaths = 0
    while Import.objects.get().state != State.FINISHED and deaths < 10:
        JobRecord.objects.filter(state=JobRecord.State.FAILED).update(
            finished_at=timezone.now() - timedelta(minutes=5)
        )
        sweep()
        [message] = broker.take("maintenance")
        delivery = claim(UUID(message.arguments["job_id"]))
        try:
            imports.run_turn(current.pk, delivery=delivery)
        except Died:
            deaths += 1
            recover(delivery, on_dead=give_up_or_split)
        else:
            finish(delivery)

    assert deaths == 3
    assert counts(current) == (5, 4, 0, 1)
    assert ImportFailure.objects.values_list("name", "error_code").get() == ("3.png", CODE)


def test_a_command_that_really_dies_goes_on_without_the_picture(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(5):
        (folder / f"{number}.png").write_bytes(numbered(number))
    (folder / "2b.png").write_bytes(plain(size=(13, 7)))
    environ = os.environ | {
        "DATA_DIR": str(tmp_path / "data"),
        "PYTHONPATH": os.pathsep.join(sys.path),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }

    def manage(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", COMMAND, *words]
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)

    (tmp_path / "data").mkdir()
    assert manage("migrate", "--verbosity=0").returncode == 0
    ends = [manage("ingest", str(folder), "--no-wait") for _ in range(4)]

    assert [each.returncode for each in ends] == [-signal.SIGSEGV] * 3 + [0]
    assert ends[-1].stdout.splitlines()[-1] == "6 files: 5 added, 0 already there, 1 refused."
    assert "Going on with import" in ends[-1].stderr
