"""Can the site search and take in? Every part is asked, side by side, within about a second."""

import logging
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from catalog import storage, vector_store
from jobs import dispatch
from kernel.database import translated
from kernel.errors import AppError, TransientError

logger = logging.getLogger(__name__)

# What all parts together are waited for, and how long what they said holds: however often probes
# ask, the parts are asked once a second.
WAIT_S = 1.0
FRESH_S = 1.0
# A worker that works on all cores may miss a question.
_WORKER_SILENCE_S = 10.0
_PROBE_FILE = "probes/readyz"
# Shorter than the wait, so that what holds the lock is named.
_SQLITE_LOCK_MS = 700


@dataclass(frozen=True, slots=True)
class Part:
    """Something that the site needs.

    Attributes:
        ask: returns where it is well, else raises; runs in a thread of its own.
        silence: the error code for no answer.
        holds_s: how long a good answer outweighs later ones.
    """

    ask: Callable[[], None]
    silence: str
    holds_s: float = 0.0


class Readiness:
    """What is not well. Of several threads."""

    def __init__(
        self, parts: Mapping[str, Part], *, wait_s: float = WAIT_S, fresh_s: float = FRESH_S
    ) -> None:
        self._wait_s = wait_s
        self._fresh_s = fresh_s
        self._asked = {name: _AskedPart(part) for name, part in parts.items()}
        self._lock = threading.Lock()
        self._looked_at = float("-inf")
        self._codes: dict[str, str | None] = {}

    def look(self) -> dict[str, str | None]:
        """Return the error code of each part, None for those that are well."""
        with self._lock:
            if time.monotonic() - self._looked_at >= self._fresh_s:
                codes = self._ask()
                if codes != self._codes:
                    logger.warning("readiness changed", extra={"parts": codes})
                self._codes = codes
                self._looked_at = time.monotonic()
            return dict(self._codes)

    def _ask(self) -> dict[str, str | None]:
        deadline = time.monotonic() + self._wait_s
        for asked in self._asked.values():
            asked.begin()
        return {
            name: asked.answer(within_s=deadline - time.monotonic())
            for name, asked in self._asked.items()
        }


class _AskedPart:
    """Asks one part; while it hangs it is not asked again, so that no threads pile up."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._thread = threading.Thread()  # begun before it is waited for
        self._code: str | None = part.silence
        self._was_well_at = float("-inf")

    def begin(self) -> None:
        if not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="readiness", daemon=True)
            self._thread.start()

    def answer(self, *, within_s: float) -> str | None:
        self._thread.join(max(0.0, within_s))
        code = self._part.silence if self._thread.is_alive() else self._code
        was_well = time.monotonic() - self._was_well_at < self._part.holds_s
        return None if was_well else code

    def _run(self) -> None:
        try:
            self._part.ask()
        except AppError as error:
            self._code = error.code
        except Exception:
            logger.exception("readiness cannot be asked")
            self._code = self._part.silence
        else:
            self._code = None
            self._was_well_at = time.monotonic()


def ask_database() -> None:
    """Read, and begin to write.

    Raises:
        AppError: "database:…", with what is wrong.
    """
    try:
        with translated():
            with connection.cursor() as cursor:
                if connection.vendor == "sqlite":
                    cursor.execute(f"PRAGMA busy_timeout = {_SQLITE_LOCK_MS}")
            # A database that takes no changes refuses even one of no row.
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("UPDATE django_migrations SET name = name WHERE 1 = 0")
        _check_room()
    finally:
        connection.close()  # this thread's own


def _check_room() -> None:
    """Refuse a disk without room for a picture where the database is a file on it."""
    file = Path(connection.settings_dict["NAME"])
    if connection.vendor != "sqlite" or not file.is_file():
        return
    if shutil.disk_usage(file.parent).free < settings.UPLOAD_MAX_BYTES:
        raise TransientError("database:transient:full")


def ask_storage() -> None:
    """Write a file.

    Raises:
        TransientError: "storage:transient:unavailable".
    """
    storage.write(_PROBE_FILE, b"ready")


PARTS: Mapping[str, Part] = {
    "database": Part(ask_database, silence="database:transient:away"),
    "vectors": Part(vector_store.ping, silence="vectors:transient:unavailable"),
    "storage": Part(ask_storage, silence="storage:transient:unavailable"),
    "broker": Part(dispatch.ping_broker, silence="jobs:transient:broker-away"),
    "query_worker": Part(
        dispatch.ping_query_worker,
        silence="search:transient:no-answer",
        holds_s=_WORKER_SILENCE_S,
    ),
}
READINESS = Readiness(PARTS)
