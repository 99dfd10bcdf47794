"""`/readyz` names what is not well, soon, and however often it is asked."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from catalog import vector_store
from config import health
from config.readiness import PARTS, Part, Readiness, ask_database
from kernel.errors import AppError, DefectError, TransientError
from tests import databases
from vectors.qdrant import connect

SILENCE = "vectors:transient:unavailable"


def well() -> None:
    pass


def fail() -> None:
    raise TransientError("storage:transient:unavailable")


def test_each_part_has_its_own_answer() -> None:
    def crash() -> None:
        raise ZeroDivisionError

    def refuse() -> None:
        raise DefectError("database:ours:damaged")

    parts = {
        "a": Part(well, SILENCE),
        "b": Part(fail, SILENCE),
        "c": Part(refuse, SILENCE),
        "d": Part(crash, SILENCE),
    }

    assert Readiness(parts).look() == {
        "a": None,
        "b": "storage:transient:unavailable",
        "c": "database:ours:damaged",
        "d": SILENCE,
    }


def test_parts_are_asked_side_by_side_and_hanging_ones_not_again() -> None:
    may_go_on, asked = threading.Event(), []

    def hang() -> None:
        asked.append(1)
        may_go_on.wait(20)

    parts = {name: Part(hang, SILENCE) for name in "abc"} | {"d": Part(well, SILENCE)}
    readiness = Readiness(parts, wait_s=0.2, fresh_s=0)

    begun = time.monotonic()
    for _ in range(3):
        assert readiness.look() == {"a": SILENCE, "b": SILENCE, "c": SILENCE, "d": None}
    assert time.monotonic() - begun < 1.5
    assert len(asked) == 3  # each once

    may_go_on.set()
    assert set(readiness.look().values()) == {None}


def test_many_probes_at_once_ask_each_part_once() -> None:
    asked = []

    def ask() -> None:
        asked.append(1)
        time.sleep(0.05)

    readiness = Readiness({"a": Part(ask, SILENCE)}, fresh_s=60)
    probes = [threading.Thread(target=readiness.look) for _ in range(20)]
    for probe in probes:
        probe.start()
    for probe in probes:
        probe.join()

    assert asked == [1]


def test_a_busy_part_may_miss_a_question() -> None:
    answers = iter([well, fail, fail])

    def ask() -> None:
        next(answers)()

    part = Part(ask, SILENCE, holds_s=0.3)
    readiness = Readiness({"a": part}, fresh_s=0)

    assert [readiness.look(), readiness.look()] == [{"a": None}, {"a": None}]
    time.sleep(0.35)
    assert readiness.look() == {"a": "storage:transient:unavailable"}


# The parts themselves


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what other tests saw."""
    monkeypatch.setattr(health, "READINESS", Readiness(PARTS, fresh_s=0))


@pytest.fixture
def file(tmp_path: Path, django_db_blocker) -> Iterator[Path]:
    with django_db_blocker.unblock():
        file = databases.make(tmp_path / "db.sqlite3")
        with databases.using(file):
            yield file


def ask(client: Client) -> tuple[int, dict[str, str]]:
    begun = time.monotonic()
    response = client.get("/readyz")
    assert time.monotonic() - begun < 2
    assert response.json()["ready"] == (response.status_code == 200)
    return response.status_code, response.json()["parts"]


def test_all_is_well(client: Client, fresh, version, worker, file) -> None:
    parts = ("database", "vectors", "storage", "broker", "query_worker")

    assert ask(client) == (200, dict.fromkeys(parts, "ok"))


def test_no_query_worker(client: Client, fresh, no_worker, file) -> None:
    status, parts = ask(client)

    assert status == 503
    assert {name for name, said in parts.items() if said != "ok"} == {"query_worker"}
    assert parts["query_worker"] == "search:transient:no-answer"


def test_a_store_that_nothing_listens_for(client: Client, fresh, file, monkeypatch) -> None:
    monkeypatch.setattr(vector_store, "_client", lambda: connect("http://127.0.0.1:1"))

    status, parts = ask(client)

    assert (status, parts["vectors"]) == (503, "vectors:transient:unavailable")
    assert parts["database"] == "ok"


def test_a_storage_that_takes_no_file(
    client: Client, fresh, file, use_storage, tmp_path: Path
) -> None:
    (tmp_path / "media").write_text("no folder")
    use_storage()

    status, parts = ask(client)

    assert (status, parts["storage"]) == (503, "storage:transient:unavailable")


def test_a_probe_is_no_file_of_the_catalogue(client: Client, fresh, file, media: Path) -> None:
    ask(client)
    ask(client)

    assert [path.relative_to(media).as_posix() for path in media.rglob("*") if path.is_file()] == [
        "probes/readyz"
    ]


def database_code() -> str | None:
    try:
        ask_database()
    except AppError as error:
        return error.code
    return None


def test_a_database_that_is_well(file: Path) -> None:
    assert database_code() is None


def test_a_database_that_is_locked(file: Path) -> None:
    with databases.locked(file):
        assert database_code() == "database:transient:locked"


def test_a_database_that_takes_no_changes(file: Path) -> None:
    with databases.using(file, is_read_only=True):
        assert database_code() == "database:transient:read-only"


def test_a_database_that_is_away(tmp_path: Path, django_db_blocker) -> None:
    with django_db_blocker.unblock(), databases.using(tmp_path / "gone" / "db.sqlite3"):
        assert database_code() == "database:transient:away"


def test_a_database_that_is_damaged(file: Path, tmp_path: Path) -> None:
    databases.damage(file)
    with databases.using(file):
        assert database_code() == "database:ours:damaged"


def test_a_disk_without_room_for_a_picture(file: Path, settings) -> None:
    settings.UPLOAD_MAX_BYTES = 2**62

    assert database_code() == "database:transient:full"
