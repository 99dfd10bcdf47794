"""Every failure below /api/ is a problem, whoever refused it."""

import json
from base64 import urlsafe_b64encode
from uuid import uuid4

import pytest
from django.db import connection

from kernel.messages import known_codes
from tests.unit.api.conftest import code_of

pytestmark = pytest.mark.django_db


def test_an_address_that_is_none(visitor) -> None:
    assert code_of(visitor.get("/nothing/here")) == (404, "request:user:not-found")
    assert code_of(visitor.get("/images/no-id")) == (404, "request:user:not-found")


def test_a_method_that_is_none_names_those_that_are(visitor) -> None:
    response = visitor.delete("/search")

    assert code_of(response) == (405, "request:user:wrong-method")
    assert response["Allow"] == "GET, HEAD, POST"


def test_nul_and_half_characters_are_refused(visitor) -> None:
    assert code_of(visitor.get("/images?q=%00"))[0] == 400
    assert code_of(visitor.get("/images?fields=%00"))[0] == 400
    body = b'{"url": "\\u0000"}'
    response = visitor.post("/search", body, content_type="application/json")
    assert code_of(response) == (400, "request:user:malformed")
    body = b'{"url": "\\ud800"}'
    response = visitor.post("/search", body, content_type="application/json")
    assert code_of(response) == (400, "request:user:malformed")


def test_sql_of_another_release_is_ours(visitor) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE catalog_image RENAME TO elsewhere")

    response = visitor.get("/images")

    assert code_of(response) == (500, "database:ours:older")


def test_sentences_are_in_the_readers_language(visitor) -> None:
    english = visitor.get("/nothing").json()["detail"]
    russian = visitor.get("/nothing", headers={"accept-language": "ru"}).json()["detail"]

    assert english == "There is nothing at this address."
    assert russian == "По этому адресу ничего нет."


def test_every_code_is_explained_where_its_type_leads(visitor) -> None:
    page = visitor.get("/docs").content.decode()

    assert {code for code in known_codes() if f'id="{code}"' not in page} == set()


@pytest.mark.parametrize(
    "values",
    [
        ["2024-05-31T12:00:00+00:00", float("inf")],
        ["0001-01-01T00:00:00+14:00", str(uuid4())],
        ["9999-12-31T23:59:59-14:00", str(uuid4())],
        ["2024-05-31T12:00:00+00:00", None],
        [[], {}],
        3,
    ],
)
@pytest.mark.parametrize("path", ["/images", "/watches/hits", "/albums"])
def test_a_cursor_that_nobody_was_given_is_refused(program, path, values) -> None:
    cursor = urlsafe_b64encode(json.dumps(values).encode()).decode()

    response = program("catalog.view_album").get(path, {"cursor": cursor})

    assert code_of(response) == (422, "request:user:bad-cursor")
