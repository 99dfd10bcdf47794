"""`manage.py record_calibration FILE`: keep what the live encoder's scores mean."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.selectors import get_live_encoder
from catalog.services import record_calibration
from kernel.errors import AppError
from kernel.messages import sentence


class Command(BaseCommand):
    help = "Record the file that `python -m ml calibrate` wrote for the live encoder."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *, file: Path, **_: Any) -> None:
        try:
            version = get_live_encoder()
            record_calibration(version, json.loads(file.read_text(encoding="utf-8")))
        except AppError as error:
            raise CommandError(sentence(error.code, **error.context)) from error
        except (OSError, ValueError, RecursionError) as error:
            raise CommandError(f"{file} cannot be read: {error}") from error
        self.stdout.write(f"Recorded for {version.choice}.")
