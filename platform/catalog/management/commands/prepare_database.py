"""`manage.py prepare_database`: this release's tables, and an admin account, before all else."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from kernel.database import check_not_newer, patiently


class Command(BaseCommand):
    help = "Run migrate and ensure_admin, in the time that one start of Django takes."

    def handle(self, **_: Any) -> None:
        patiently(check_not_newer)
        call_command("migrate", verbosity=0, interactive=False)
        call_command("ensure_admin", stdout=self.stdout)
