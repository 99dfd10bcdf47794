"""How `manage.py` ends where a command fails for a known reason: with a sentence."""

import sys
from collections.abc import Sequence

from django.conf import settings
from django.core.management import execute_from_command_line

from config.error_pages import ours
from kernel.errors import AppError
from kernel.messages import sentence


def run_command(argv: Sequence[str]) -> int:
    """Run one management command and return its exit status."""
    try:
        execute_from_command_line(list(argv))
    except Exception as error:
        known = ours(error)
        if known is None or "--traceback" in argv:
            raise
        sys.stderr.write(f"{sentence(known.code, **known.context)}{_details(known)}\n")
        return 1
    return 0


def _details(error: AppError) -> str:
    """Return which database it is and what it said, for who keeps it; never a password."""
    reason = error.context.get("reason")
    if not error.code.startswith("database:") or reason is None:
        return ""
    database = settings.DATABASES["default"]
    server = f" at {database['HOST']}" if database.get("HOST") else ""
    return f"\n{database['NAME']}{server}: {reason}"
