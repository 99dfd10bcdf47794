"""Albums and tags by the API: made, listed, renamed, deleted, with what their images say then."""

from typing import Any

import pytest
from django.contrib.auth.models import Group

from audit_log.models import AuditEntry
from catalog.models import Album, Image, Tag
from tests.unit.api.conftest import Program, code_of
from tests.unit.web.conftest import RED, encoded

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media", "broker")]

JSON = {"content_type": "application/json"}
BOTH = pytest.mark.parametrize(("path", "model"), [("albums", Album), ("tags", Tag)])


@pytest.fixture
def keeper(program) -> Program:
    words = ("view", "add", "change", "delete")
    return program(*(f"catalog.{word}_{kind}" for word in words for kind in ("album", "tag")))


def names(program: Program, path: str) -> list[str]:
    return [each["name"] for each in program.get(f"/{path}").json()["items"]]


def actions(model: Any) -> list[tuple[str, int | None]]:
    rows = AuditEntry.objects.filter(object_type=model._meta.label_lower).order_by("pk")
    return list(rows.values_list("action", "actor_id"))


@BOTH
def test_one_is_made_read_renamed_and_deleted(keeper, add_image, path, model) -> None:
    image = add_image(encoded(RED), "red")

    made = keeper.post(f"/{path}", {"name": "  warm  "}, **JSON)
    row = model.objects.get()
    assert (made.status_code, made.json()) == (201, {"id": row.pk, "name": "warm"})
    assert made["Location"] == f"/api/v1/{path}/{row.pk}"
    assert names(keeper, path) == ["warm"]
    assert keeper.get(f"/{path}/{row.pk}").json() == made.json()

    row.images.add(image)
    Image.objects.update(payload_due_at=None)
    renamed = keeper.patch(f"/{path}/{row.pk}", {"name": "hot"}, **JSON)
    assert (renamed.status_code, renamed.json()) == (200, {"id": row.pk, "name": "hot"})
    assert model.objects.get().name == "hot"
    image.refresh_from_db()
    assert image.payload_due_at is not None  # its points are to carry the new name

    Image.objects.update(payload_due_at=None)
    deleted = keeper.delete(f"/{path}/{row.pk}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert not model.objects.exists()
    image.refresh_from_db()
    assert image.payload_due_at is not None
    assert [action for action, _ in actions(model)] == ["added", "changed", "deleted"]
    assert {actor for _, actor in actions(model)} == {keeper.user.pk}


@BOTH
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("taken", (409, "named-set:conflict:taken")),
        ("", (422, "request:user:invalid")),
        ("   ", (422, "request:user:invalid")),
        ("x" * 101, (422, "request:user:invalid")),
        ("a\0b", (422, "request:user:invalid")),
        (7, (422, "request:user:invalid")),
    ],
    ids=["taken", "empty", "blank", "long", "nul", "number"],
)
def test_a_name_that_cannot_be_is_a_problem_and_changes_nothing(
    keeper, path, model, name, expected
) -> None:
    model.objects.create(name="taken")
    other = model.objects.create(name="other")

    made = keeper.post(f"/{path}", {"name": name}, **JSON)
    renamed = keeper.patch(f"/{path}/{other.pk}", {"name": name}, **JSON)

    assert code_of(made) == code_of(renamed) == expected
    assert sorted(model.objects.values_list("name", flat=True)) == ["other", "taken"]


@BOTH
def test_what_is_not_there_cannot_be_changed(keeper, path, model) -> None:
    for response in (
        keeper.get(f"/{path}/1"),
        keeper.patch(f"/{path}/1", {"name": "a"}, **JSON),
        keeper.delete(f"/{path}/1"),
        keeper.delete(f"/{path}/{2**40}"),
    ):
        assert response.status_code in {404, 422}, response.content
        assert code_of(response)[1] in {"request:user:not-found", "request:user:invalid"}


@BOTH
def test_a_key_makes_one(keeper, path, model) -> None:
    first, again = (
        keeper.post(f"/{path}", {"name": "a"}, headers={"idempotency-key": "k"}, **JSON)
        for _ in range(2)
    )

    assert first.json() == again.json()
    assert (first.status_code, again.status_code) == (201, 201)
    assert model.objects.count() == 1


def test_a_private_album_with_images_is_kept(keeper, add_image) -> None:
    album = Album.objects.create(name="secret")
    group = Group.objects.create(name="insiders")
    album.groups.add(group)
    keeper.user.groups.add(group)
    album.images.add(add_image(encoded(RED), "red"))

    response = keeper.delete(f"/albums/{album.pk}")

    assert code_of(response) == (409, "album:conflict:private")
    assert Album.objects.get().images.count() == 1
    keeper.user.groups.clear()
    assert code_of(keeper.get(f"/albums/{album.pk}")) == (404, "request:user:not-found")


@BOTH
def test_pages_are_in_the_order_that_they_were_made(keeper, path, model) -> None:
    for name in ("c", "a", "b"):
        model.objects.create(name=name)

    first = keeper.get(f"/{path}?limit=2").json()
    second = keeper.get(f"/{path}?limit=2&cursor={first['next_cursor']}").json()

    listed = [each["name"] for each in (*first["items"], *second["items"])]
    assert listed == ["c", "a", "b"]
    assert second["next_cursor"] is None
    assert code_of(keeper.get(f"/{path}?cursor=x")) == (422, "request:user:bad-cursor")
