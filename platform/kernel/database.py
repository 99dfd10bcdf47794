"""What SQL's failures mean, for SQLite and PostgreSQL alike, and how to wait for SQL that is away.

Pages, commands and workers each translate in one file; models and services let errors pass.
"""

import logging
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from django.db import Error, InterfaceError, OperationalError, close_old_connections, connection

from kernel.errors import AppError, DefectError, TransientError

logger = logging.getLogger(__name__)

T = TypeVar("T")

_AWAY, _LOCKED = "database:transient:away", "database:transient:locked"
_FULL, _READ_ONLY = "database:transient:full", "database:transient:read-only"
_DAMAGED, _OLDER = "database:ours:damaged", "database:ours:older"

# What passes within a restart; a full disk waits for a person.
_PASSING = frozenset({_AWAY, _LOCKED})
# PostgreSQL is back from a restart in some 35 s, and from a crash in minutes.
OUTAGE_S = 120.0
_RETRY_S = 0.5

# https://www.sqlite.org/rescode.html
_SQLITE: Mapping[int, str] = {
    sqlite3.SQLITE_PERM: _AWAY,
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_IOERR: _AWAY,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_CANTOPEN: _AWAY,
    sqlite3.SQLITE_PROTOCOL: _LOCKED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}
_SQLITE_LACKS = ("no such table", "no such column", "has no column")

# https://www.postgresql.org/docs/current/errcodes-appendix.html: a state, or the class of states
# that its first two letters are.
_POSTGRESQL: Mapping[str, str] = {
    "08": _AWAY,  # connection exception
    "25006": _READ_ONLY,  # a replica, or default_transaction_read_only
    "28": _AWAY,  # it does not let us in
    "3D": _AWAY,  # there is no database of that name
    "40": _LOCKED,  # a deadlock, or a transaction that has to be begun again
    "42703": _OLDER,  # no such column
    "42P01": _OLDER,  # no such table
    "53": _AWAY,  # insufficient resources: connections, memory
    "53100": _FULL,
    "55P03": _LOCKED,
    "57": _AWAY,  # operator intervention: it is stopping, or starting
    "57014": _LOCKED,  # a time limit of the server's, for statements or locks
    "58": _AWAY,  # system error
    "XX001": _DAMAGED,
    "XX002": _DAMAGED,
}


def translate(error: BaseException) -> AppError | None:
    """Return our error for one of SQL; None where it says nothing about the database's health."""
    code = _code(error)
    if code is None:
        return None
    kind = DefectError if code in {_DAMAGED, _OLDER} else TransientError
    return kind(code, reason=str(error).strip())


def _code(error: BaseException) -> str | None:
    cause = error.__cause__  # Django's errors wrap those of the driver
    if not isinstance(error, Error) or cause is None:
        return None
    if isinstance(cause, sqlite3.Error):
        # The lowest byte is the kind, the others say more.
        code = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code == sqlite3.SQLITE_ERROR and any(lack in str(cause) for lack in _SQLITE_LACKS):
            return _OLDER
        return _SQLITE.get(code)
    state = getattr(cause, "sqlstate", None)
    if state is not None:
        return _POSTGRESQL.get(state) or _POSTGRESQL.get(state[:2])
    # A connection that was refused, cut or closed has no state: no server has answered.
    return _AWAY if isinstance(error, OperationalError | InterfaceError) else None


@contextmanager
def translated() -> Iterator[None]:
    """Turn SQL's errors that `translate` knows into ours."""
    try:
        yield
    except Error as error:
        ours = translate(error)
        if ours is None:
            raise
        raise ours from error


def patiently(work: Callable[[], T], *, for_s: float | None = None) -> T:
    """Return what `work` returns; while SQL is away or locked, begin it again for so long.

    What `work` wrote may be written already where the connection broke at its very end: only work
    that can be done twice is done so.

    Args:
        work: what reads or writes.
        for_s: how long; OUTAGE_S where nothing is said.

    Raises:
        TransientError: SQL is away or locked still, or full, or read-only; or `work` raised it.
        DefectError: likewise, damaged or older.
    """
    deadline = time.monotonic() + (OUTAGE_S if for_s is None else for_s)
    is_told = False
    while True:
        try:
            with translated():
                return work()
        except TransientError as error:
            is_late = time.monotonic() >= deadline
            # Inside a transaction what came before is lost, too.
            if error.code not in _PASSING or is_late or connection.in_atomic_block:
                raise
            if not is_told:
                logger.warning("waiting for the database", extra={"code": error.code})
                is_told = True
        close_old_connections()  # else a broken one is used for ever
        time.sleep(_RETRY_S)


def check_not_newer() -> None:
    """Refuse a database that a later release has migrated.

    Raises:
        DefectError: "database:ours:newer".
        django.db.Error: SQL does not answer.
    """
    from django.db.migrations.loader import MigrationLoader  # workers do without

    loader = MigrationLoader(connection)
    known = set(loader.disk_migrations)
    for migration in loader.disk_migrations.values():
        known.update(migration.replaces)
    unknown = sorted(set(loader.applied_migrations) - known)
    if unknown:
        names = ", ".join(f"{app}.{name}" for app, name in unknown)
        raise DefectError("database:ours:newer", migrations=names)
