"""`manage.py audit [--repair]`: count both sides, name every difference, mend it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.audit import Audit, audit, repair
from kernel.errors import AppError
from kernel.messages import sentence

_NAMED = 20


class Command(BaseCommand):
    help = "Compare the catalogue with the index and the files; exit status 1 if they differ."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--repair", action="store_true", help="mend every difference")

    def handle(self, **options: Any) -> None:
        try:
            found = audit()
            self._print(found)
            if options["repair"] and found.differences:
                repair(found)
                self.stdout.write("Mended. Images to be described again wait for the workers.")
                return
        except AppError as error:
            raise CommandError(sentence(error.code, **error.context)) from error
        if found.differences:
            raise CommandError("They differ. `manage.py audit --repair` mends it.")

    def _print(self, found: Audit) -> None:
        counts = ", ".join(f"{count} {status}" for status, count in found.images.items())
        self.stdout.write(f"Catalogue: {sum(found.images.values())} images ({counts})")
        self.stdout.write(f"           {found.regions} regions of indexed images")
        self.stdout.write(f"Index:     {found.points} points")
        for kind, names in found.differences.items():
            self.stdout.write(f"{len(names)} {kind}:")
            for name in names[:_NAMED]:
                # Others may have put files there, called as they like.
                self.stdout.write(f"  {name if name.isprintable() else ascii(name)}")
            if len(names) > _NAMED:
                self.stdout.write(f"  … and {len(names) - _NAMED} more")
        if not found.differences:
            self.stdout.write("Catalogue, index and files agree.")
