"""A NUL character, which PostgreSQL takes in no text, is the caller's mistake wherever it comes."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

BROWSER = {"accept": "text/html"}


@pytest.fixture
def client(db) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("keeper"))
    return client


@pytest.mark.parametrize(
    "address",
    [
        "/?name=%00",
        "/?label=%00",
        "/admin/catalog/image/?status__exact=%00",
        "/admin/catalog/image/?format=%00",
        "/admin/catalog/image/?title=%00",
        "/admin/jobs/jobrecord/?queue=%00",
        "/admin/catalog/tag/%00/change/",
        "/admin/autocomplete/?term=%00&app_label=catalog&model_name=image&field_name=tags",
    ],
)
def test_in_an_address(client: Client, address: str) -> None:
    page = client.get(address, headers=BROWSER)
    answer = client.get(address, headers={"accept": "application/json"})

    assert page.status_code == answer.status_code == 400
    assert "The request could not be read." in page.text
    assert answer.json()["error"]["code"] == "request:user:malformed"


@pytest.mark.parametrize("name", ["sessionid", "csrftoken", "django_language"])
def test_in_a_cookie(client: Client, name: str) -> None:
    client.cookies[name] = "\0" * 32

    assert client.get("/upload/", headers=BROWSER).status_code == 400


def test_in_a_form(client: Client) -> None:
    answer = client.post("/admin/catalog/tag/add/", {"name": "se\0a"})

    assert answer.status_code == 200
    assert "Null characters are not allowed." in answer.text


def test_in_a_log_in(db) -> None:
    answer = Client(raise_request_exception=False).post(
        "/login/", {"username": "a\0b", "password": "c\0d"}
    )

    assert answer.status_code == 200
    assert "Null characters are not allowed." in answer.text
