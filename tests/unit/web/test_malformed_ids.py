"""What is no id of a row is the caller's mistake, in whatever address or form of the admin."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from catalog import services
from catalog.admin.named_sets import TagAdmin
from catalog.models import Image
from tests.rows import new_images

BROWSER = {"accept": "text/html"}
TOO_LARGE = "9" * 40


def status_of(no_id: str) -> int:
    """What it is answered with; PostgreSQL compares numbers of any size, and finds no such row."""
    is_number = no_id == TOO_LARGE and connection.vendor == "postgresql"
    return 200 if is_number else 400


@pytest.fixture
def client(db) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("keeper"))
    return client


@pytest.mark.parametrize("no_id", ["x", TOO_LARGE, "9" * 5000, "1.5"])
@pytest.mark.parametrize("kind", ["add_tags", "remove_tags", "add_albums", "remove_albums"])
def test_in_the_answer_to_the_question_of_a_bulk_edit(
    client: Client, kind: str, no_id: str
) -> None:
    new_images(1)
    keeper = User.objects.get()
    edit = services.ask_bulk_edit(kind, Image.objects.all(), started_by_id=keeper.pk)

    answer = client.post(
        f"/admin/catalog/bulkedit/{edit.pk}/confirm/", {"names": [no_id]}, headers=BROWSER
    )

    assert answer.status_code == status_of(no_id)
    edit.refresh_from_db()
    assert edit.state == "asked"


@pytest.mark.parametrize("no_id", ["x", TOO_LARGE, "9" * 5000])
def test_in_an_action_on_tags(client: Client, no_id: str) -> None:
    answer = client.post(
        "/admin/catalog/tag/",
        {"action": "delete_selected", "_selected_action": [no_id]},
        headers=BROWSER,
    )

    assert answer.status_code == status_of(no_id)
    assert answer.status_code == 200 or "request:user:malformed" in answer.text


@pytest.mark.parametrize(
    ("address", "data"),
    [
        (f"/admin/catalog/image/?albums__id__exact={TOO_LARGE}", None),
        ("/admin/catalog/album/add/", {"name": "a", "private_to": [TOO_LARGE]}),
    ],
)
def test_in_a_filter_and_in_a_choice(
    client: Client, address: str, data: dict[str, object] | None
) -> None:
    answer = client.get(address) if data is None else client.post(address, data)

    assert answer.status_code == status_of(TOO_LARGE)


def test_a_fault_of_ours_is_not_the_callers(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("a fault")

    monkeypatch.setattr(TagAdmin, "get_queryset", fail)

    assert client.get("/admin/catalog/tag/").status_code == 500
