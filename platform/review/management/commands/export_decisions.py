"""`manage.py export_decisions FILE`: what people decided, for training and calibration."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kernel.errors import AppError
from kernel.messages import sentence
from review.exports import DecisionsExport, export
from review.selectors import list_decisions


class Command(BaseCommand):
    help = (
        "Write decisions and their pictures, as `python -m ml --data-kind decisions` and "
        "`python -m ml calibrate --decisions` read them."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="a JSONL; pictures lie beside")
        parser.add_argument(
            "--json", action="store_true", dest="as_json", help="write a JSON object, for programs"
        )

    def handle(self, *, file: Path, as_json: bool, **_: Any) -> None:
        if file.suffix.lower() != ".jsonl":
            raise CommandError("FILE has to end with .jsonl.", returncode=2)
        if not file.absolute().parent.is_dir():
            raise CommandError(f"There is no folder {file.absolute().parent}.", returncode=2)
        try:
            made = export(list_decisions(), file)
        except AppError as error:
            raise CommandError(sentence(error.code, **error.context)) from error
        except OSError as error:
            raise CommandError(f"{file} cannot be written: {error.strerror}.") from error
        counts = {
            "pairs": made.pairs,
            "pictures": len(made.pictures),
            "disputed": made.disputed,
            "contradicted": made.contradicted,
            "gone": made.gone,
        }
        self.stdout.write(json.dumps(counts) if as_json else _told(made))


def _told(made: DecisionsExport) -> str:
    left_out = (
        (made.disputed, "that people do not agree about"),
        (made.contradicted, "that other decisions contradict"),
        (made.gone, "whose pictures are gone"),
    )
    told = [f"{made.pairs} pairs of {len(made.pictures)} pictures written."]
    told += [f"Left out: {count} {why}." for count, why in left_out if count]
    return " ".join(told)
