"""`manage.py sample`: fill an empty catalogue with something to search for."""

import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from catalog.models import Image
from ingestion.sample import write_sample


class Command(BaseCommand):
    help = "Add the sample catalogue: photographs, drawings made from them, edited copies."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--offer", action="store_true", help="only if the catalogue is empty, and ask first"
        )

    def handle(self, *, offer: bool, **_: Any) -> None:
        if offer and (Image.objects.exists() or not self._accepted()):
            return
        with tempfile.TemporaryDirectory(prefix="semblance-sample-") as folder:
            count = write_sample(Path(folder))
            self.stdout.write(f"The sample catalogue: {count} pictures.")
            call_command("ingest", folder, source="sample", stdout=self.stdout, stderr=self.stderr)

    def _accepted(self) -> bool:
        if not sys.stdin.isatty():
            self.stdout.write("The catalogue is empty. `manage.py sample` adds a sample catalogue.")
            return False
        question = "The catalogue is empty. Add a sample catalogue of 70 pictures? [Y/n] "
        return input(question).strip().lower() in {"", "y", "yes", "д", "да"}
