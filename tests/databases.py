"""Real SQLite files that are away, locked, full, read-only, newer or damaged."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from django.core.management import call_command
from django.db import connections
from django.db.utils import ConnectionHandler

# SQLite's own first page and those of the tables, overwritten; its first 16 bytes stay.
_HEADER_BYTES = 16


@contextmanager
def using(
    path: Path, *, timeout_s: float = 0.1, init: str = "", is_read_only: bool = False
) -> Iterator[None]:
    """Let a file be the database of this thread and of new ones, as the product's settings open it.

    Args:
        path: the file; made where missing.
        timeout_s: how long a writer waits for another.
        init: SQL that each connection begins with.
        is_read_only: open it as a file that this account may not write, which root always may.
    """
    options = {
        "timeout": timeout_s,
        "transaction_mode": "IMMEDIATE",
        "init_command": f"PRAGMA journal_mode=WAL; {init}",
    }
    name = f"file:{path}?mode=ro" if is_read_only else path
    settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": name, "OPTIONS": options}
    handler = ConnectionHandler({"default": settings})
    before = connections["default"], connections.settings["default"]
    connections["default"] = handler["default"]
    connections.settings["default"] = handler.settings["default"]
    try:
        yield
    finally:
        connections["default"].close()
        connections["default"], connections.settings["default"] = before


def make(path: Path) -> Path:
    """Make a database with this release's tables."""
    with using(path):
        call_command("migrate", verbosity=0, interactive=False)
    return path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the one lock for writing."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def locked_for(path: Path, *, seconds: float) -> Iterator[None]:
    """Hold the one lock for writing from now on, and let go of it after a while."""
    is_held = threading.Event()

    def hold() -> None:
        with locked(path):
            is_held.set()
            time.sleep(seconds)

    thread = threading.Thread(target=hold)
    thread.start()
    assert is_held.wait(5)
    try:
        yield
    finally:
        thread.join()


def full(path: Path) -> str:
    """Return the SQL that lets a connection take no page more than there are."""
    with closing(sqlite3.connect(path)) as other:
        [pages] = other.execute("PRAGMA page_count").fetchone()
        [free] = other.execute("PRAGMA freelist_count").fetchone()
    assert free == 0
    return f"PRAGMA max_page_count={pages};"


def damage(path: Path) -> None:
    """Overwrite all of a database but the bytes that say what it is."""
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(_HEADER_BYTES)
        file.write(b"\xa5" * (size - _HEADER_BYTES))
