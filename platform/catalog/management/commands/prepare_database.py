"""`manage.py prepare_database`: tables, roles, an admin account, before all else."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from accounts.roles import ensure_roles
from kernel.database import check_not_newer, patiently


class Command(BaseCommand):
    help = "Run migrate, make the ready roles, and ensure_admin, in one start of Django."

    def handle(self, **_: Any) -> None:
        patiently(check_not_newer)
        call_command("migrate", verbosity=0, interactive=False)
        ensure_roles()
        call_command("ensure_admin", stdout=self.stdout)
