"""What is found wrong before anything starts."""

import sqlite3
from typing import Any

import pytest

from config import checks


class WithoutFullText(sqlite3.Connection):
    """A SQLite that was built without FTS5, as far as it says."""

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        return super().execute("SELECT 'THREADSAFE=1'" if "compile_options" in sql else sql)


def test_a_sqlite_that_searches_text_is_fine(settings: Any) -> None:
    assert checks.check_full_text() == []


@pytest.mark.parametrize(("engine", "found"), [("sqlite3", ["semblance.E002"]), ("postgresql", [])])
def test_a_sqlite_without_full_text_is_reported_where_it_is_used(
    monkeypatch: pytest.MonkeyPatch, settings: Any, engine: str, found: list[str]
) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda name: connect(name, factory=WithoutFullText))
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", f"django.db.backends.{engine}")

    assert [error.id for error in checks.check_full_text()] == found
