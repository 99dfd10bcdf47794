"""`manage.py export`: workers make the files, the command writes them where it is told to."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from catalog import services
from catalog.management.commands import export
from catalog.models import BulkEdit, Image
from jobs.services import claim
from kernel.database import patiently
from tests.conftest import AddImage, Broker
from tests.pictures import numbered
from workers.exports import run_export

pytestmark = pytest.mark.django_db(transaction=True)


def beside_a_worker(command: Callable[[], object]) -> None:
    """Run a command; a worker does the export that it asks for."""

    def work() -> None:
        while not (edit := patiently(BulkEdit.objects.exclude(job=None).first)):
            pass
        run_export(edit.pk, delivery=claim(edit.job.pk))
        connection.close()

    worker = Thread(target=work, daemon=True)
    worker.start()
    command()
    worker.join()


def test_what_is_chosen_is_written(add_image: AddImage, broker: Broker, tmp_path: Path) -> None:
    for number, title in enumerate(("red lake", "blue lake", "red tree")):
        image = add_image(numbered(number), title=title)
        services.update_metadata(image, services.ImageMetadata(albums=(title[:3],)))
    out = io.StringIO()
    path = tmp_path / "out.jsonl"

    beside_a_worker(
        lambda: call_command("export", str(path), "--album", "red", "--search", "lak", stdout=out)
    )

    assert [json.loads(line)["title"] for line in path.read_text().splitlines()] == ["red lake"]
    assert out.getvalue() == f"{path}\n1 pictures exported.\n"


def test_programs_are_told_in_json(add_image: AddImage, broker: Broker, tmp_path: Path) -> None:
    image = add_image(numbered(1))
    out = io.StringIO()
    path = tmp_path / "out.csv"
    ask = services.ask_bulk_edit

    def ask_and_lose_one(*args: Any) -> BulkEdit:
        edit = ask(*args)
        add_image(numbered(2))
        image.delete()
        return edit

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(services, "ask_bulk_edit", ask_and_lose_one)
        beside_a_worker(lambda: call_command("export", str(path), "--json", stdout=out))

    assert [json.loads(line) for line in out.getvalue().splitlines()] == [
        {"file": str(path), "bytes": path.stat().st_size},
        {"exported": 0, "gone": 1},
    ]


def test_a_disk_that_is_full_is_told(add_image: AddImage, broker: Broker) -> None:
    add_image(numbered(1))

    with pytest.raises(CommandError) as full:
        beside_a_worker(lambda: call_command("export", "/dev/full", "--format", "csv"))

    assert str(full.value) == "/dev/full cannot be written: No space left on device."
    assert full.value.returncode == 1


def test_who_interrupts_it_is_told_that_it_goes_on(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(export.time, "sleep", interrupt)

    with pytest.raises(CommandError, match="The workers go on"):
        call_command("export", str(tmp_path / "out.csv"))

    assert BulkEdit.objects.get().state == "running"


@pytest.mark.parametrize("name", ["out.xlsx", "nowhere/out.csv"])
def test_what_cannot_be_written_is_not_asked_for(db: None, tmp_path: Path, name: str) -> None:
    with pytest.raises(CommandError) as wrong:
        call_command("export", str(tmp_path / name))

    assert wrong.value.returncode == 2
    assert not BulkEdit.objects.exists()


def test_without_a_worker_it_says_so(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "_STILL_AFTER_S", 0)

    with pytest.raises(CommandError, match="No worker is exporting"):
        call_command("export", str(tmp_path / "out.csv"))

    assert BulkEdit.objects.get().state == "running"
    assert not Image.objects.exists()


def test_an_export_that_somebody_cancels_says_so(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cancel(_: str) -> bool:
        return services.cancel_bulk_edit(BulkEdit.objects.get())

    monkeypatch.setattr(export, "is_worked_on", cancel)

    with pytest.raises(CommandError, match="Somebody has cancelled the export"):
        call_command("export", str(tmp_path / "out.csv"))

    assert not (tmp_path / "out.csv").exists()
