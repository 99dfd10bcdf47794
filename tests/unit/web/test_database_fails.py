"""Every page, whatever becomes of the database: its sentence, and when to try again."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from kernel.messages import sentence
from tests import databases

JSON, BROWSER = {"accept": "application/json"}, {"accept": "text/html"}
PASSWORD = "a long enough one"


@pytest.fixture(scope="module")
def file(tmp_path_factory, django_db_blocker) -> Path:
    with django_db_blocker.unblock():
        file = databases.make(tmp_path_factory.mktemp("pages") / "db.sqlite3")
        with databases.using(file):
            User.objects.create_superuser("boss", password=PASSWORD)
    return file


@pytest.fixture
def client(file: Path, django_db_blocker) -> Iterator[Client]:
    """A superuser who logged in while all was well."""
    client = Client(raise_request_exception=False)
    with django_db_blocker.unblock():
        with databases.using(file):
            client.force_login(User.objects.get())
        yield client


@pytest.fixture
def away(tmp_path: Path) -> AbstractContextManager[None]:
    return databases.using(tmp_path / "gone" / "db.sqlite3")


def assert_unavailable(response, code: str) -> None:
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert sentence(code) in response.content.decode()
    assert code in response.content.decode()


@pytest.mark.parametrize(
    "address",
    ["/", "/upload/", "/admin/", "/admin/catalog/image/", "/admin/login/", "/nowhere/"],
)
def test_every_page_says_that_the_database_is_away(client, away, address: str) -> None:
    with away:
        assert_unavailable(client.get(address, headers=BROWSER), "database:transient:away")


def test_programs_are_told_in_json(client, away) -> None:
    with away:
        response = client.get("/", headers=JSON)

    assert (response.status_code, response["Retry-After"]) == (503, "5")
    code = "database:transient:away"
    assert response.json() == {"error": {"code": code, "sentence": sentence(code)}}


def test_the_page_is_in_the_readers_language(client, away) -> None:
    client.cookies["django_language"] = "ru"
    with away:
        page = client.get("/", headers=BROWSER).content.decode()

    with override("ru"):
        assert sentence("database:transient:away") in page


def test_who_was_logged_in_still_is_when_it_is_back(client, away, file) -> None:
    with away:
        assert client.get("/admin/").status_code == 503
    with databases.using(file):
        assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize("path", ["login", "admin:login"])
def test_nobody_logs_in_while_it_is_away(client, away, path: str) -> None:
    with away:
        response = client.post(reverse(path), {"username": "boss", "password": PASSWORD})

    assert_unavailable(response, "database:transient:away")


@pytest.mark.parametrize("path", ["login", "admin:login"])
def test_who_logs_in_while_it_is_locked_is_told_soon(client, file, path: str) -> None:
    begun = time.monotonic()
    with databases.using(file, timeout_s=0.5), databases.locked(file):
        response = client.post(reverse(path), {"username": "boss", "password": PASSWORD})

    assert_unavailable(response, "database:transient:locked")
    assert time.monotonic() - begun < 5


def test_a_full_database_still_shows_what_it_has(client, file) -> None:
    with databases.using(file, init=databases.full(file)):
        assert client.get("/admin/").status_code == 200


def test_a_read_only_database_refuses_changes_only(client, file) -> None:
    with databases.using(file, is_read_only=True):
        assert client.get("/admin/").status_code == 200
        response = client.post("/login/", {"username": "boss", "password": PASSWORD})

    assert_unavailable(response, "database:transient:read-only")


def test_a_damaged_database_is_ours_and_not_worth_a_retry(client, tmp_path) -> None:
    rubbish = tmp_path / "db.sqlite3"
    rubbish.write_bytes(b"rubbish " * 4096)

    with databases.using(rubbish):
        response = client.get("/", headers=BROWSER)

    assert response.status_code == 500
    assert "Retry-After" not in response
    assert sentence("database:ours:damaged") in response.content.decode()
    assert str(tmp_path) not in response.content.decode()
