"""Changes of many images by the API: asked for, read, worked off, cancelled."""

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from catalog.models import Album, BulkEdit, Image, Tag
from jobs.services import claim
from tests.unit.api.conftest import Program, code_of
from tests.unit.web.conftest import encoded
from workers.bulk_edits import run_bulk_edit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media", "broker")]

JSON = {"content_type": "application/json"}
PERMISSIONS = ("catalog.change_image", "catalog.delete_image", "catalog.add_tag")


@pytest.fixture
def editor(program) -> Program:
    return program(*PERMISSIONS)


@pytest.fixture
def images(add_image) -> list[Image]:
    """Three images, two of them by Ann."""
    owners = ("Ann", "Ann", "Bob")
    return [
        add_image(encoded((60 * number, 0, 0)), f"shade {number}", owner=owner)
        for number, owner in enumerate(owners)
    ]


def ask(program: Program, kind: str, **said: Any) -> Any:
    return program.post("/images/bulk", {"kind": kind, **said}, **JSON)


def work() -> None:
    """Do what workers do of the bulk edits that were started."""
    for edit in BulkEdit.objects.filter(state="running"):
        run_bulk_edit(edit.pk, delivery=claim(edit.job.pk))


def titles(**condition: Any) -> list[str]:
    return sorted(Image.objects.filter(**condition).values_list("title", flat=True))


def test_a_set_is_fixed_worked_off_and_read(editor, images, add_image) -> None:
    asked = ask(editor, "add_tags", filters={"owner": ["Ann"]}, names=["warm", "new"])
    add_image(encoded((0, 0, 90)), "late", owner="Ann")
    before = editor.get(f"/bulk-edits/{asked.json()['id']}").json()
    work()
    after = editor.get(f"/bulk-edits/{asked.json()['id']}").json()

    assert asked.status_code == 202
    assert asked["Location"] == f"/api/v1/bulk-edits/{BulkEdit.objects.get().pk}"
    assert asked.json()["kind"] == "add_tags"
    assert (before["state"], before["total"], before["done"]) == ("running", 2, 0)
    assert (after["state"], after["total"], after["done"], after["gone"]) == ("done", 2, 2, 0)
    assert after["finished_at"] is not None
    assert BulkEdit.objects.get().started_by == editor.user
    assert titles(tags__name="warm") == titles(tags__name="new") == ["shade 0", "shade 1"]


def test_named_images_are_changed_deleted_and_brought_back(editor, images) -> None:
    one = [str(images[0].pk)]

    ask(editor, "set_owner", images=one, value="Eve")
    work()
    assert titles(owner="Eve") == ["shade 0"]

    ask(editor, "replace_in_title", images=one, find="shade", value="tone")
    work()
    assert titles(owner="Eve") == ["tone 0"]

    ask(editor, "bin", images=one)
    work()
    assert titles(binned_at=None) == ["shade 1", "shade 2"]
    assert editor.get(f"/images/{one[0]}").status_code == 404

    ask(editor, "restore", images=one)
    work()
    assert titles(binned_at=None) == ["shade 1", "shade 2", "tone 0"]
    assert editor.get(f"/images/{one[0]}").json()["owner"] == "Eve"


def test_albums_are_left_by_name(editor, images) -> None:
    album = Album.objects.create(name="walls")
    album.images.set(images)

    ask(editor, "remove_albums", filters={"owner": ["Bob"]}, names=["walls"])
    work()

    assert titles(albums=album) == ["shade 0", "shade 1"]


def test_one_that_is_cancelled_changes_nothing_more(editor, images) -> None:
    edit_id = ask(editor, "set_licence", filters={}, value="CC0").json()["id"]

    cancelled = editor.post(f"/bulk-edits/{edit_id}/cancel")
    again = editor.post(f"/bulk-edits/{edit_id}/cancel")
    work()

    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert code_of(again) == (409, "request:conflict:over")
    assert titles(licence="CC0") == []
    assert editor.get(f"/bulk-edits/{edit_id}").json()["done"] == 0


def test_under_a_key_it_is_asked_for_once(editor, images) -> None:
    def send() -> Any:
        said = {"kind": "set_owner", "filters": {}, "value": "Eve"}
        return editor.post("/images/bulk", said, headers={"idempotency-key": "a"}, **JSON)

    first, again = send(), send()

    assert first.json()["id"] == again.json()["id"]
    assert BulkEdit.objects.count() == 1


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"kind": "export", "filters": {}}, (422, "request:user:invalid")),
        ({"kind": "bin"}, (422, "request:user:which-images")),
        ({"kind": "bin", "filters": {}, "images": []}, (422, "request:user:which-images")),
        ({"kind": "restore", "filters": {"tag": ["a"]}}, (422, "request:user:which-images")),
        ({"kind": "bin", "images": ["x"]}, (422, "request:user:invalid")),
        ({"kind": "bin", "filters": {"colour": "red"}}, (422, "request:user:invalid")),
        (
            {"kind": "add_albums", "filters": {}, "names": ["none"]},
            (422, "request:user:unknown-names"),
        ),
        ({"kind": "add_tags", "filters": {}}, (422, "request:user:bad-arguments")),
        ({"kind": "set_medium", "filters": {}, "value": "x"}, (422, "request:user:bad-arguments")),
        ({"kind": "set_title", "filters": {}}, (422, "request:user:bad-arguments")),
        (
            {"kind": "replace_in_title", "filters": {}, "value": "x"},
            (422, "request:user:bad-arguments"),
        ),
        (
            {"kind": "set_owner", "filters": {}, "value": "x" * 300},
            (422, "request:user:bad-arguments"),
        ),
    ],
    ids=[
        *("an-export", "no-set", "two-sets", "filters-of-the-bin", "no-id", "no-filter"),
        *("no-album", "no-names", "no-medium", "no-title", "nothing-to-find", "too-long"),
    ],
)
def test_what_cannot_be_done_is_a_problem_and_begins_nothing(editor, images, said, expected):
    response = editor.post("/images/bulk", said, **JSON)

    assert code_of(response) == expected
    assert not BulkEdit.objects.exists()
    assert not Tag.objects.exists()


def test_each_kind_needs_its_own_permission(program, images) -> None:
    response = ask(program("catalog.change_image"), "bin", filters={})

    assert code_of(response) == (403, "token:user:no-permission")
    assert titles(binned_at=None) == ["shade 0", "shade 1", "shade 2"]


def test_others_edits_are_not_there(editor, images) -> None:
    other = User.objects.create_user("other")
    edit = BulkEdit.objects.create(kind="bin", started_by=other, by_account=True)

    for response in (
        editor.get(f"/bulk-edits/{edit.pk}"),
        editor.post(f"/bulk-edits/{edit.pk}/cancel"),
        editor.get("/bulk-edits/999999"),
    ):
        assert code_of(response) == (404, "request:user:not-found")


def test_images_that_are_not_there_are_no_part_of_the_set(editor, images) -> None:
    asked = ask(editor, "bin", images=[str(uuid4()), str(images[0].pk)])

    assert asked.json()["total"] == 1
