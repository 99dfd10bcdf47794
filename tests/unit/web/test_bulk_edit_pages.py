"""Changes of many images from the question to the end, with all that happens in between."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from audit_log.models import AuditedImages, AuditEntry
from catalog import services, storage
from catalog.exports import part_name
from catalog.models import Album, BulkEdit, Image, Tag
from jobs.services import claim
from tests.unit.web.conftest import encoded
from workers.bulk_edits import run_bulk_edit
from workers.exports import run_export

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]

LIST = "/admin/catalog/image/"
BIN = "/admin/catalog/binnedimage/"
AddShades = Callable[..., list[Image]]


@pytest.fixture
def add_shades(add_image: Callable[..., Image]) -> AddShades:
    """Add an image a shade, indexed, called by it."""

    def add(shades: range, **fields: object) -> list[Image]:
        fields = {"status": "indexed", **fields}
        return [add_image(encoded((shade, 0, 0)), f"shade {shade}", **fields) for shade in shades]

    return add


def ask(client: Client, action: str, *images: Image, url: str = LIST) -> str:
    """Choose images in the list, all where none are named; return the address of the question."""
    chosen = images or Image.objects.all()[:1]
    body = {
        "action": action,
        "_selected_action": [str(image.pk) for image in chosen],
        "select_across": "0" if images else "1",
    }
    asked = client.post(url, body)
    assert asked.status_code == 302, asked.content
    return asked["Location"]


def work() -> None:
    """Do what workers do of the bulk edits that were started."""
    for edit in BulkEdit.objects.filter(state="running"):
        run = run_export if edit.kind == "export" else run_bulk_edit
        run(edit.pk, delivery=claim(edit.job.pk))


def answer(client: Client, question: str, **arguments: object) -> HttpResponse:
    """Say yes; return the page that shows how far it is."""
    started = client.post(question, arguments)
    assert started.status_code == 302, started.content
    work()
    return client.get(started["Location"])


def titles(**fields: object) -> set[str]:
    return set(Image.objects.filter(**fields).values_list("title", flat=True))


# The set is fixed when it is asked for


@pytest.fixture
def named(db: None) -> dict[str, list[int]]:
    """The tag and the album that the changes below are about."""
    return {
        "tags": [Tag.objects.create(name="sea").pk],
        "albums": [Album.objects.create(name="trip").pk],
    }


def exported() -> set[str]:
    """The titles in the one export."""
    edit = BulkEdit.objects.get()
    lines = storage.read(part_name(edit.pk, 0)).decode().splitlines()
    return {json.loads(line)["title"] for line in lines}


def retitled(sign: str) -> set[str]:
    """The titles as they were, of the images that have this sign in theirs now."""
    return {title.replace(sign, "") for title in titles() if sign in title}


# What each action is told, and which images have it afterwards.
ACTIONS: dict[str, tuple[dict[str, Any], Callable[[], set[str]]]] = {
    "delete_selected": ({}, lambda: titles(binned_at__isnull=False)),
    "reindex": ({}, lambda: titles(status="queued")),
    "add_tags": ({"names": "tags"}, lambda: titles(tags__name="sea")),
    "remove_tags": ({"names": "tags"}, lambda: titles(tags=None)),
    "add_albums": ({"names": "albums"}, lambda: titles(albums__name="trip")),
    "remove_albums": ({"names": "albums"}, lambda: titles(albums=None)),
    "set_medium": ({"value": "drawing"}, lambda: titles(medium="drawing")),
    "set_title": ({"value": "{title}!"}, lambda: retitled("!")),
    "replace_in_title": ({"find": "shade ", "value": "!shade "}, lambda: retitled("!")),
    "set_owner": ({"value": "Ann"}, lambda: titles(owner="Ann")),
    "set_licence": ({"value": "CC BY"}, lambda: titles(licence="CC BY")),
    "export": ({"format": "jsonl"}, exported),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_what_arrives_after_the_question_is_not_touched(
    client: Client,
    superuser: User,
    add_shades: AddShades,
    named: dict[str, list[int]],
    action: str,
) -> None:
    arguments, touched = ACTIONS[action]
    arguments = {name: named.get(value, value) for name, value in arguments.items()}

    def arrive(shades: range) -> None:
        for image in add_shades(shades):
            if action.startswith("remove_"):
                image.tags.set(named["tags"])
                image.albums.set(named["albums"])

    arrive(range(4))
    question = ask(client, action)
    assert "4 images" in client.get(question).content.decode()
    arrive(range(4, 7))

    page = answer(client, question, **arguments)

    assert touched() == {f"shade {shade}" for shade in range(4)}
    assert "4 of 4" in page.content.decode()


@pytest.mark.parametrize("kind", ["restore", "purge"])
def test_what_comes_into_the_bin_after_the_question_stays_in_it(
    client: Client, superuser: User, add_shades: AddShades, kind: str
) -> None:
    add_shades(range(4), binned_at=timezone.now())
    question = client.get(f"{BIN}{kind}-all/")["Location"]
    add_shades(range(4, 7), binned_at=timezone.now())

    answer(client, question)

    left = Image.objects.filter(binned_at__isnull=False).exclude(status="deleting")
    assert {image.title for image in left} == {f"shade {shade}" for shade in range(4, 7)}


def test_all_that_was_deleted_can_be_restored_as_it_was(
    client: Client, superuser: User, add_shades: AddShades, named: dict[str, list[int]]
) -> None:
    for image in add_shades(range(4), drawn_panels=[[0, 0, 30, 40]], owner="Ann"):
        image.tags.set(named["tags"])
        image.albums.set(named["albums"])
        services.add_occurrence(image, services.ImageMetadata(path="elsewhere.png"))
    before = rows()

    answer(client, ask(client, "delete_selected"))
    assert titles(binned_at__isnull=True) == set()
    answer(client, client.get(f"{BIN}restore-all/")["Location"])

    assert len(before) == 4
    assert rows() == before


def rows() -> list[dict[str, Any]]:
    """All that is known of the images, but for what their points wait for."""
    unlike = {"payload_changes", "payload_due_at"}
    return [
        {
            **{name: value for name, value in row.items() if name not in unlike},
            "tags": list(image.tags.values_list("name", flat=True)),
            "albums": list(image.albums.values_list("name", flat=True)),
            "occurrences": list(image.occurrences.values_list("path", flat=True)),
            "original": storage.read(storage.original_name(image.sha256)),
        }
        for row, image in zip(
            Image.objects.order_by("pk").values(), Image.objects.order_by("pk"), strict=True
        )
    ]


# Titles


@pytest.mark.parametrize(
    ("action", "arguments", "changed"),
    [
        ("set_title", {"value": "Lake"}, {"Lake"}),
        ("set_title", {"value": " {title}, Lake {0} {title!r}%s "},
         {"shade 0, Lake {0} {title!r}%s", "shade 1, Lake {0} {title!r}%s"}),
        ("replace_in_title", {"find": "shade ", "value": "No. "}, {"No. 0", "No. 1"}),
        ("replace_in_title", {"find": "shade", "value": ""}, {"0", "1"}),
        ("replace_in_title", {"find": "SHADE", "value": "x"}, {"shade 0", "shade 1"}),
        ("replace_in_title", {"find": ".", "value": "x"}, {"shade 0", "shade 1"}),
    ],
    ids=["same", "around-the-old", "other-words", "nothing", "other-capitals", "no-pattern"],
)  # fmt: skip
@pytest.mark.usefixtures("superuser")
def test_titles_of_many_are_changed(
    client: Client,
    add_shades: AddShades,
    action: str,
    arguments: dict[str, str],
    changed: set[str],
) -> None:
    first, second, _ = add_shades(range(3))

    answer(client, ask(client, action, first, second), **arguments)

    assert titles(pk__in=[first.pk, second.pk]) == changed
    assert titles().issuperset({"shade 2"})
    assert titles(payload_due_at__isnull=False) == set()  # no point carries it


def test_a_title_that_becomes_too_long_is_cut_and_the_audit_log_has_the_old_ones(
    client: Client, superuser: User, add_shades: AddShades
) -> None:
    first, second = add_shades(range(2))
    Image.objects.filter(pk=first.pk).update(title="t" * 300)

    page = answer(client, ask(client, "set_title"), value="A {title}")

    assert titles() == {"A " + "t" * 298, "A shade 1"}
    [entry] = AuditEntry.objects.filter(action="started")
    assert entry.details == {"kind": "set_title", "images": 2, "value": "A {title}"}
    [old] = AuditedImages.objects.filter(entry=entry)
    assert old.image_ids == {"t" * 300: [first.pk.hex], "shade 1": [second.pk.hex]}
    assert "A {title}" in page.content.decode()


def test_the_question_begins_with_the_title_that_each_has(
    client: Client, superuser: User, add_shades: AddShades
) -> None:
    add_shades(range(1))
    question = ask(client, "set_title")

    assert client.get(question).context["form"]["value"].value() == "{title}"
    page = answer(client, question, value="{title}")

    assert titles() == {"shade 0"}
    assert not AuditedImages.objects.exists()
    assert "1 of 1" in page.content.decode()


# Cancelling


@pytest.fixture
def half_done(
    client: Client, superuser: User, add_shades: AddShades, monkeypatch: pytest.MonkeyPatch
) -> BulkEdit:
    """A change of four images of which two are done."""
    monkeypatch.setattr("catalog.services.bulk_edits.CHUNK_IMAGES", 2)
    add_shades(range(4))
    client.post(ask(client, "set_owner"), {"value": "Ann"})
    edit = BulkEdit.objects.get()
    services.apply_next_chunk(edit.pk, delivery=claim(edit.job.pk))
    edit.job.refresh_from_db()
    return edit


def address(edit: BulkEdit, page: str) -> str:
    return f"/admin/catalog/bulkedit/{edit.pk}/{page}/"


def test_what_is_changed_before_it_is_cancelled_stays_so_and_the_rest_is_left(
    client: Client, superuser: User, half_done: BulkEdit
) -> None:
    assert "Cancel: leave the rest" in client.get(address(half_done, "change")).content.decode()

    page = client.post(address(half_done, "cancel"), follow=True)
    services.apply_next_chunk(half_done.pk, delivery=half_done.job.delivery)
    services.resume_bulk_edits()

    half_done.refresh_from_db()
    assert (half_done.state, half_done.done, half_done.total) == ("cancelled", 2, 4)
    assert (half_done.chunks.count(), Image.objects.filter(owner="Ann").count()) == (0, 2)
    text = page.content.decode()
    assert "the rest is left as it is" in text
    assert "2 of 4" in text
    assert "Cancel: leave the rest" not in text
    assert "Refresh" not in page
    [entry] = AuditEntry.objects.filter(action="ended")
    assert (entry.actor_name, entry.object_id) == ("chief", str(half_done.pk))
    counts = {"images": 4, "done": 2, "gone": 0}
    assert entry.details == {"kind": "set_owner", "state": "cancelled", **counts}


@pytest.mark.parametrize("before", ["cancelled", "done"])
def test_what_has_ended_is_not_cancelled(client: Client, half_done: BulkEdit, before: str) -> None:
    if before == "done":
        run_bulk_edit(half_done.pk, delivery=half_done.job.delivery)
    else:
        client.post(address(half_done, "cancel"))

    page = client.post(address(half_done, "cancel"), follow=True)

    half_done.refresh_from_db()
    assert half_done.state == before
    assert "It had ended before." in page.content.decode()
    assert AuditEntry.objects.filter(action="ended").count() == (before == "cancelled")


@pytest.mark.parametrize(
    ("caller", "status"),
    [("anonymous", 302), ("viewer", 403), ("editor", 404), ("deleter who sees all", 403)],
)
def test_nobody_else_cancels(
    client: Client,
    half_done: BulkEdit,
    log_in: Callable[..., User],
    caller: str,
    status: int,
) -> None:
    client.logout()
    permissions = {
        "viewer": ("catalog.view_bulkedit",),
        "editor": ("catalog.change_image",),
        "deleter who sees all": ("catalog.view_bulkedit", "catalog.delete_image"),
    }
    if caller in permissions:
        log_in(*permissions[caller], staff=True)

    response = client.post(address(half_done, "cancel"))

    assert response.status_code == status
    half_done.refresh_from_db()
    assert half_done.state == "running"


def test_looking_at_the_address_cancels_nothing(client: Client, half_done: BulkEdit) -> None:
    assert client.get(address(half_done, "cancel")).status_code == 405
    half_done.refresh_from_db()
    assert half_done.state == "running"


def test_a_question_that_was_not_answered_is_not_cancelled(
    client: Client, superuser: User, add_shades: AddShades
) -> None:
    add_shades(range(1))
    question = ask(client, "set_owner")

    assert client.post(question.replace("confirm", "cancel")).status_code == 404
    assert BulkEdit.objects.get().state == "asked"


def test_an_export_that_is_cancelled_leaves_no_files(
    client: Client, superuser: User, add_shades: AddShades, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.services.bulk_edits.CHUNK_IMAGES", 1)
    monkeypatch.setattr("workers.exports._PART_BYTES", 1)
    add_shades(range(3))
    client.post(ask(client, "export"), {"format": "csv"})
    edit = BulkEdit.objects.get()
    write_file = storage.write_file

    def cancel_at_the_second(name: str, file: Any) -> None:
        write_file(name, file)
        if name == part_name(edit.pk, 1):
            client.post(address(edit, "cancel"))

    monkeypatch.setattr(storage, "write_file", cancel_at_the_second)

    work()

    edit.refresh_from_db()
    assert (edit.state, edit.done) == ("cancelled", 1)
    assert client.get(address(edit, "files/0")).status_code == 404
    assert services.expire_exports() == 2
    assert list(storage.list_names("exports")) == []
