"""Every way in which SQL fails has a code of its own, and work waits for what passes."""

import logging
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.db.utils import ConnectionHandler
from psycopg import errors as postgresql

from jobs.models import JobRecord
from kernel.database import check_not_newer, patiently, translate, translated
from kernel.errors import AppError, DefectError, TransientError
from tests import databases


@pytest.fixture(scope="module")
def migrated(tmp_path_factory, django_db_blocker) -> Path:
    with django_db_blocker.unblock():
        return databases.make(tmp_path_factory.mktemp("database") / "db.sqlite3")


@pytest.fixture
def file(migrated: Path, tmp_path: Path, django_db_blocker) -> Iterator[Path]:
    """A database of this release's, which this test may do anything to."""
    copy = tmp_path / "db.sqlite3"
    shutil.copy(migrated, copy)
    with django_db_blocker.unblock():
        yield copy


def write() -> None:
    JobRecord.objects.create(name="x" * 100, arguments={"ids": "y" * 5_000})


def failure(work) -> AppError:
    with pytest.raises(AppError) as caught, translated():
        work()
    return caught.value


# SQLite


def test_a_file_that_cannot_be_opened_is_away(tmp_path: Path, django_db_blocker) -> None:
    with django_db_blocker.unblock(), databases.using(tmp_path / "gone" / "db.sqlite3"):
        error = failure(JobRecord.objects.exists)

    assert isinstance(error, TransientError)
    assert error.code == "database:transient:away"


def test_a_file_that_another_connection_writes_to_is_locked(file: Path) -> None:
    with databases.using(file), databases.locked(file):
        assert not JobRecord.objects.exists()  # readers go on
        error = failure(write)

    assert isinstance(error, TransientError)
    assert error.code == "database:transient:locked"


def test_a_file_without_room_is_full(file: Path) -> None:
    with databases.using(file, init=databases.full(file)):
        error = failure(lambda: [write() for _ in range(10)])

    assert isinstance(error, TransientError)
    assert error.code == "database:transient:full"


def test_a_file_that_may_not_be_written_is_read_only(file: Path) -> None:
    with databases.using(file, is_read_only=True):
        error = failure(write)

    assert isinstance(error, TransientError)
    assert error.code == "database:transient:read-only"


@pytest.mark.parametrize("is_header_kept", [True, False], ids=["pages", "all"])
def test_a_file_of_rubbish_is_damaged(file: Path, is_header_kept) -> None:
    if is_header_kept:
        databases.damage(file)
    else:
        file.write_bytes(b"rubbish " * 4096)

    with databases.using(file):
        error = failure(JobRecord.objects.exists)

    assert isinstance(error, DefectError)
    assert error.code == "database:ours:damaged"


@pytest.mark.parametrize(
    "sql", ["DROP TABLE jobs_jobrecord", "ALTER TABLE jobs_jobrecord DROP COLUMN arguments"]
)
def test_a_file_without_our_tables_or_columns_is_older(file: Path, sql) -> None:
    with closing(sqlite3.connect(file)) as other:
        other.execute(sql)

    with databases.using(file):
        assert failure(lambda: list(JobRecord.objects.all())).code == "database:ours:older"
        assert failure(write).code == "database:ours:older"


def test_what_says_nothing_about_the_database_stays_as_it_is(file: Path) -> None:
    with databases.using(file):
        job = JobRecord.objects.create(name="a")
        with pytest.raises(IntegrityError) as twice, translated():
            JobRecord.objects.create(pk=job.pk, name="b")

    assert translate(twice.value) is None
    assert translate(DatabaseError("Save with update_fields did not affect any rows.")) is None
    assert translate(sqlite3.OperationalError("database is locked")) is None  # nobody of Django's
    assert translate(KeyError("x")) is None


# PostgreSQL: its driver's errors, as Django wraps them


@pytest.fixture
def server() -> object:
    """A connection to a PostgreSQL that nothing listens for."""
    settings = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "semblance",
        "HOST": "127.0.0.1",
        "PORT": "1",
        "USER": "semblance",
    }
    return ConnectionHandler({"default": settings})["default"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (postgresql.AdminShutdown, "database:transient:away"),
        (postgresql.CannotConnectNow, "database:transient:away"),
        (postgresql.CrashShutdown, "database:transient:away"),
        (postgresql.TooManyConnections, "database:transient:away"),
        (postgresql.ConnectionFailure, "database:transient:away"),
        (postgresql.OutOfMemory, "database:transient:away"),
        (psycopg.OperationalError, "database:transient:away"),
        (psycopg.InterfaceError, "database:transient:away"),
        (postgresql.LockNotAvailable, "database:transient:locked"),
        (postgresql.DeadlockDetected, "database:transient:locked"),
        (postgresql.QueryCanceled, "database:transient:locked"),
        (postgresql.DiskFull, "database:transient:full"),
        (postgresql.ReadOnlySqlTransaction, "database:transient:read-only"),
        (postgresql.DataCorrupted, "database:ours:damaged"),
        (postgresql.IndexCorrupted, "database:ours:damaged"),
        (postgresql.UndefinedTable, "database:ours:older"),
        (postgresql.UndefinedColumn, "database:ours:older"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_states_of_postgresql(server, error, code) -> None:
    with pytest.raises(AppError) as caught, translated(), server.wrap_database_errors:
        raise error("why")

    assert caught.value.code == code
    assert caught.value.context == {"reason": "why"}


@pytest.mark.parametrize(
    "error", [postgresql.UniqueViolation, postgresql.DivisionByZero, psycopg.ProgrammingError]
)
def test_states_that_are_no_matter_of_health(server, error) -> None:
    with pytest.raises(DatabaseError) as caught, server.wrap_database_errors:
        raise error("why")

    assert translate(caught.value) is None


def test_a_server_that_refuses_connections_is_away(server, django_db_blocker) -> None:
    with django_db_blocker.unblock():
        assert failure(server.ensure_connection).code == "database:transient:away"


# Waiting


def test_work_waits_for_a_lock_and_is_done(file: Path, caplog) -> None:
    with (
        databases.using(file),
        databases.locked_for(file, seconds=0.7),
        caplog.at_level(logging.WARNING),
    ):
        patiently(write, for_s=20)
        assert JobRecord.objects.count() == 1

    told = [record for record in caplog.records if record.name == "kernel.database"]
    assert [record.code for record in told] == ["database:transient:locked"]


def test_work_waits_for_a_folder_that_comes_back(
    file: Path, tmp_path: Path, django_db_blocker
) -> None:
    away, home = tmp_path / "away", tmp_path / "mounted"
    away.mkdir()
    shutil.move(file, away / "db.sqlite3")

    threading.Timer(0.5, away.rename, (home,)).start()  # in one step: no folder without its file
    with databases.using(home / "db.sqlite3"):
        patiently(write, for_s=20)

        assert JobRecord.objects.count() == 1


def test_waiting_ends(file: Path) -> None:
    begun = time.monotonic()
    with databases.using(file), databases.locked(file), pytest.raises(TransientError):
        patiently(write, for_s=1)

    assert 1 <= time.monotonic() - begun < 5


def test_nobody_waits_for_what_does_not_pass(file: Path) -> None:
    begun = time.monotonic()
    with databases.using(file, is_read_only=True), pytest.raises(TransientError) as error:
        patiently(write, for_s=60)

    assert error.value.code == "database:transient:read-only"
    assert time.monotonic() - begun < 5


def test_other_errors_of_the_work_are_its_own(file: Path) -> None:
    tries = []

    def work() -> None:
        tries.append(1)
        raise TransientError("vectors:transient:unavailable")

    with databases.using(file), pytest.raises(TransientError):
        patiently(work, for_s=60)

    assert tries == [1]


def test_nothing_is_begun_again_inside_a_transaction(file: Path) -> None:
    tries = []

    with databases.using(file), transaction.atomic(), pytest.raises(TransientError) as error:
        patiently(lambda: fail(tries), for_s=60)

    assert error.value.code == "database:transient:away"
    assert tries == [1]


def fail(tries: list[int]) -> None:
    tries.append(1)
    raise TransientError("database:transient:away")


# Releases


def test_a_database_of_this_release_is_no_newer_one(file: Path) -> None:
    with databases.using(file):
        check_not_newer()


def test_an_empty_database_is_no_newer_one(tmp_path: Path, django_db_blocker) -> None:
    with django_db_blocker.unblock(), databases.using(tmp_path / "new.sqlite3"):
        check_not_newer()


def test_a_database_of_a_later_release_is_refused(file: Path) -> None:
    with closing(sqlite3.connect(file)) as other:
        other.execute(
            "INSERT INTO django_migrations (app, name, applied) "
            "VALUES ('catalog', '0999_from_the_future', '2030-01-01')"
        )
        other.commit()

    with databases.using(file), pytest.raises(DefectError) as refused:
        check_not_newer()

    assert refused.value.code == "database:ours:newer"
    assert refused.value.context == {"migrations": "catalog.0999_from_the_future"}
