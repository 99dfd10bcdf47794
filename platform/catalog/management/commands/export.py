"""`manage.py export FILE`: have workers export images, and write what they made to files."""

import json
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet
from tqdm import tqdm

from catalog import services
from catalog.exports import ExportedFile, ExportFormat, list_files
from catalog.models import BulkEdit, Image
from catalog.selectors import list_current_images
from catalog.text_search import matching
from jobs.selectors import is_worked_on
from kernel.database import patiently
from kernel.errors import AppError
from kernel.messages import sentence
from kernel.task_names import EXPORT_IMAGES

_LOOK_EVERY_S = 0.5
# How long a count may stand still with no worker at it: a part of an export takes a minute.
_STILL_AFTER_S = 90


class Command(BaseCommand):
    help = "Export pictures: tables, hashes, or originals with a manifest that `ingest` takes in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument(
            "--format",
            choices=ExportFormat.values,
            dest="chosen",
            help="what FILE's ending says, by default; "
            + "; ".join(f"{value}: {label}" for value, label in ExportFormat.choices),
        )
        parser.add_argument("--search", metavar="WORDS", help="only pictures that have them")
        parser.add_argument("--album", help="only pictures of this album")
        parser.add_argument("--tag", help="only pictures with this tag")
        parser.add_argument(
            "--json",
            action="store_true",
            dest="as_json",
            help="write a JSON object a line, for programs",
        )

    def handle(self, *, file: Path, chosen: str | None, as_json: bool, **only: Any) -> None:
        chosen = chosen or file.suffix.removeprefix(".").lower()
        if chosen not in ExportFormat.values:
            kinds = ", ".join(ExportFormat.values)
            raise CommandError(f"--format is needed: one of {kinds}.", returncode=2)
        if not file.absolute().parent.is_dir():
            raise CommandError(f"There is no folder {file.absolute().parent}.", returncode=2)
        edit = services.ask_bulk_edit(BulkEdit.Kind.EXPORT, _chosen(**only))
        services.start_bulk_edit(edit, {"format": chosen})
        try:
            self._watch(edit, is_shown=not as_json)
            for path, made in _paths(file, list_files(edit)):
                with path.open("wb") as out:
                    for piece in made.pieces():
                        out.write(piece)
                said = {"file": str(path), "bytes": made.file_bytes}
                self.stdout.write(json.dumps(said) if as_json else str(path))
        except AppError as error:
            raise CommandError(sentence(error.code, **error.context)) from error
        except OSError as error:
            raise CommandError(f"{file} cannot be written: {error.strerror}.") from error
        except KeyboardInterrupt as error:
            raise CommandError(
                "Interrupted. The workers go on: in the admin the export can be downloaded, or "
                "cancelled."
            ) from error
        if as_json:
            self.stdout.write(json.dumps({"exported": edit.done, "gone": edit.gone}))
            return
        gone = f" {edit.gone} were gone meanwhile." if edit.gone else ""
        self.stdout.write(f"{edit.done} pictures exported.{gone}")

    def _watch(self, edit: BulkEdit, *, is_shown: bool) -> None:
        moved_at = time.monotonic()
        bar = tqdm(
            total=edit.total,
            desc="Exporting",
            unit=" pictures",
            smoothing=0.05,
            disable=not is_shown,
        )
        with bar:
            while True:
                before = edit.done + edit.gone
                patiently(edit.refresh_from_db)
                bar.update(edit.done + edit.gone - before)
                if edit.state == BulkEdit.State.DONE:
                    break
                if edit.state == BulkEdit.State.CANCELLED:
                    raise CommandError("Somebody has cancelled the export.")
                if edit.done + edit.gone > before or is_worked_on(EXPORT_IMAGES):
                    moved_at = time.monotonic()
                if time.monotonic() - moved_at > _STILL_AFTER_S:
                    raise CommandError(
                        "No worker is exporting. Is Semblance running (make run)? The export goes "
                        "on once it is, and can be downloaded in the admin."
                    )
                time.sleep(_LOOK_EVERY_S)


def _chosen(*, search: str | None, album: str | None, tag: str | None, **_: Any) -> QuerySet[Image]:
    images = list_current_images().order_by("created_at", "pk")
    if album is not None:
        images = images.filter(albums__name=album)
    if tag is not None:
        images = images.filter(tags__name=tag)
    return images if search is None else matching(images, search)


def _paths(file: Path, made: tuple[ExportedFile, ...]) -> Iterator[tuple[Path, ExportedFile]]:
    """Yield what is written where: a second archive and those after it get a number."""
    for number, each in enumerate(made, start=1):
        path = file if number == 1 else file.with_name(f"{file.stem}-{number}{file.suffix}")
        yield path, each
