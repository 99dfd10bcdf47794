"""`manage.py ensure_admin`: make the first admin account and print its password, once."""

import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand

_NAME = "admin"


class Command(BaseCommand):
    help = "Make an admin account with a generated password, unless a superuser exists."

    def handle(self, **_: Any) -> None:
        users = get_user_model().objects
        if users.filter(is_superuser=True).exists():
            return
        if users.filter(username=_NAME).exists():
            self.stdout.write(f"{_NAME} is an ordinary account. manage.py createsuperuser helps.")
            return
        password = secrets.token_urlsafe(12)
        users.create_superuser(username=_NAME, email="", password=password)
        self.stdout.write(f"Admin account: {_NAME}, password {password} (shown this once).")
        self.stdout.write(f"Another one later: manage.py changepassword {_NAME}")
