"""What must hold before any command runs; Django prints what does not."""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register("files")
def check_data_folder(**_: Any) -> Sequence[CheckMessage]:
    """Report a data folder that cannot be written to, once it exists."""
    folder = settings.DATA_DIR
    if not folder.exists() or os.access(folder, os.W_OK | os.X_OK):
        return []
    hint = "Set DATA_DIR to a folder of yours, or change its owner."
    return [Error(f"{folder} cannot be written to.", hint=hint, id="semblance.E001")]


@register("files")
def check_full_text(**_: Any) -> Sequence[CheckMessage]:
    """Report a SQLite that cannot search text."""
    if not settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        return []
    with closing(sqlite3.connect(":memory:")) as memory:
        if ("ENABLE_FTS5",) in memory.execute("PRAGMA compile_options").fetchall():
            return []
    hint = "Use a Python whose SQLite has it, or PostgreSQL (DATABASE_URL)."
    return [Error("This Python's SQLite lacks FTS5.", hint=hint, id="semblance.E002")]
