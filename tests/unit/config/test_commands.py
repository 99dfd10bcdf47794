"""`manage.py`, run as a person runs it, on databases that are not well: a sentence and exit 1."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from config.env import ROOT
from tests import databases


def manage(data_dir: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.defpath, "DATA_DIR": str(data_dir), **variables}
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    data_dir = tmp_path_factory.mktemp("prepared")
    assert manage(data_dir, "prepare_database").returncode == 0
    return data_dir


@pytest.fixture
def data_dir(prepared: Path, tmp_path: Path) -> Path:
    """A data folder of this release's, which this test may do anything to."""
    return Path(shutil.copytree(prepared, tmp_path / "data"))


def test_a_newer_database_is_refused_and_left_as_it_is(data_dir: Path) -> None:
    file = data_dir / "db.sqlite3"
    with closing(sqlite3.connect(file)) as other:
        other.execute(
            "INSERT INTO django_migrations (app, name, applied) "
            "VALUES ('jobs', '0999_from_the_future', '2030-01-01')"
        )
        other.execute("DELETE FROM auth_user")
        other.commit()
        before = list(other.iterdump())

    done = manage(data_dir, "prepare_database")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("The database is of a newer release of Semblance")
    assert "jobs.0999_from_the_future" in done.stderr
    assert "Traceback" not in done.stderr
    with closing(sqlite3.connect(file)) as other:
        assert list(other.iterdump()) == before


@pytest.mark.parametrize("command", ["prepare_database", "audit", "sample"])
def test_a_damaged_database_is_named_and_left_as_it_is(data_dir: Path, command: str) -> None:
    file = data_dir / "db.sqlite3"
    databases.damage(file)
    before = file.read_bytes()

    done = manage(data_dir, command)

    assert done.returncode == 1
    assert done.stderr.startswith("The database is damaged. An administrator has to restore")
    assert f"{file}: " in done.stderr
    assert "Traceback" not in done.stderr
    assert file.read_bytes() == before


def test_a_database_that_was_never_prepared(tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(b"x")

    done = manage(tmp_path, "ingest", str(tmp_path / "picture.png"))

    assert done.returncode == 1
    assert "`manage.py prepare_database`" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_that_is_away_is_said_without_its_password(tmp_path: Path) -> None:
    url = "postgresql://semblance:secret-word@127.0.0.1:1/semblance"

    done = manage(tmp_path, "audit", DATABASE_URL=url)

    assert done.returncode == 1
    assert done.stderr.startswith("The database is out of reach")
    assert "127.0.0.1" in done.stderr
    assert "secret-word" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_traceback_is_shown_to_who_asks_for_it(tmp_path: Path) -> None:
    url = "postgresql://semblance:secret-word@127.0.0.1:1/semblance"

    done = manage(tmp_path, "audit", "--traceback", DATABASE_URL=url)

    assert done.returncode == 1
    assert "Traceback" in done.stderr
