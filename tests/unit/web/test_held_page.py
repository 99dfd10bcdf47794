"""Copies that are held for review: seen beside what they copy, and decided about."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.roles import ensure_roles
from audit_log.models import AuditEntry
from catalog import services
from catalog.models import Album, CopyCheck, Image
from ingestion.models import Import
from ingestion.selectors import find_progress
from tests.conftest import Broker
from tests.unit.web.conftest import DARK_RED, GREEN, RED, encoded
from worker_api import bulk_edits, jobs

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/catalog/heldimage/"


@pytest.fixture
def hold(db) -> Callable[..., Image]:
    """Have an image held as a copy of another, as the workers record it."""

    def hold(image: Image, copy_of: Image) -> Image:
        current = Import.objects.create(source="shelf", found=1, added=1)
        current.images.add(image)
        CopyCheck.objects.create(
            image=image,
            policy="hold",
            state="held",
            import_id=current.pk,
            file_name=f"{image}.png",
            copy_of=copy_of,
            rung="edited-copy",
        )
        Image.objects.filter(pk=image.pk).update(held_at=timezone.now())
        return image

    return hold


@pytest.fixture
def held(hold_copy, searchable) -> Image:
    searchable(encoded(RED), "original")
    return hold_copy("copy", DARK_RED)


@pytest.fixture
def hold_copy(searchable, hold) -> Callable[..., Image]:
    """Have a new image held as a copy of the original."""

    def hold_copy(title: str, colour: tuple[int, int, int]) -> Image:
        original = Image.objects.get(title="original")
        return hold(searchable(encoded(colour), title), original)

    return hold_copy


@pytest.fixture
def as_role(client: Client, db) -> Callable[[str], User]:
    def as_role(name: str) -> User:
        ensure_roles()
        user = User.objects.create_user(name, is_staff=True)
        user.groups.add(Group.objects.get(name=name))
        client.force_login(user)
        return user

    return as_role


def work(broker: Broker) -> None:
    """Do the bulk edits that were confirmed."""
    for message in broker.take("maintenance"):
        if message.name == "workers.edit_images":
            delivery = jobs.claim(message.arguments["job_id"])
            while bulk_edits.apply_next_chunk(message.arguments["edit_id"], delivery=delivery):
                pass


def shown(client: Client) -> list[str]:
    return [image.title for image in client.get(LIST).context["cl"].result_list]


def test_a_held_picture_is_shown_beside_the_one_it_copies(client, as_role, held) -> None:
    as_role("Reviewer")

    text = client.get(LIST).content.decode()

    known = Image.objects.get(title="original")
    assert f"{LIST}{held.pk}/thumbnail.jpg" in text
    assert f"/images/{known.pk}/thumbnail" in text
    assert f"/admin/catalog/image/{known.pk}/change/" in text
    assert "60 × 40 PNG" in text
    assert "edited copy" in text
    assert f"/admin/ingestion/import/{held.imports.get().pk}/change/" in text
    detail = client.get(f"{LIST}{held.pk}/change/").content.decode()
    assert f"{LIST}{held.pk}/thumbnail.jpg" in detail
    thumbnail = client.get(f"{LIST}{held.pk}/thumbnail.jpg")
    assert (thumbnail["Content-Type"], thumbnail.content[:2]) == ("image/jpeg", b"\xff\xd8")


def test_a_held_picture_is_nowhere_else(client, as_role, held) -> None:
    as_role("Keeper")

    assert client.get(f"/images/{held.pk}/").status_code == 404
    assert client.get(f"/images/{held.pk}/thumbnail.jpg").status_code == 404
    listed = client.get("/admin/catalog/image/").context["cl"].result_list
    assert [image.title for image in listed] == ["original"]
    figures = {one.title: one.value for one in client.get("/admin/").context["figures"]}
    assert (figures["findable"], figures["held for review"]) == ("1", "1")


@pytest.mark.parametrize(("role", "status"), [("Editor", 403), ("Reviewer", 200), ("Keeper", 200)])
def test_reviewers_and_keepers_decide(client, as_role, held, role: str, status: int) -> None:
    as_role(role)

    assert client.get(LIST).status_code == status
    assert client.get(f"{LIST}{held.pk}/thumbnail.jpg").status_code == status
    asked = client.get(f"{LIST}{held.pk}/take_in/")
    assert asked.status_code == (302 if status == 200 else 403)
    assert Image.objects.get(pk=held.pk).held_at is not None


@pytest.mark.parametrize("action", ["take_in", "refuse"])
def test_one_is_decided_about(client, as_role, held, broker: Broker, action: str) -> None:
    reviewer = as_role("Reviewer")

    confirm = client.get(f"{LIST}{held.pk}/{action}/").url
    page = client.get(confirm).content.decode()
    assert f"{LIST}{held.pk}/thumbnail.jpg" in page
    client.post(confirm)
    work(broker)

    is_refused = action == "refuse"
    assert CopyCheck.objects.get().state == ("refused" if is_refused else "taken in")
    assert shown(client) == []
    listed = client.get("/admin/catalog/image/").context["cl"].result_list
    titles = {image.title for image in listed}
    assert titles == ({"original"} if is_refused else {"original", "copy"})
    binned = Image.objects.filter(binned_at__isnull=False).values_list("title", "binned_by")
    assert list(binned) == ([("copy", reviewer.pk)] if is_refused else [])
    entry = AuditEntry.objects.get(action="started", object_type="catalog.bulkedit")
    assert (entry.actor_name, entry.details) == ("Reviewer", {"kind": action, "images": 1})
    assert entry.images.get().image_ids == {"": [held.pk.hex]}


def test_many_are_decided_about_and_no_others(
    client, as_role, held, hold_copy, broker: Broker
) -> None:
    as_role("Reviewer")
    second = hold_copy("second", GREEN)
    chosen = {"action": "take_in", "_selected_action": [held.pk, second.pk]}
    confirm = client.post(LIST, chosen).url
    late = hold_copy("late", (9, 9, 9))

    client.post(confirm)
    work(broker)

    assert shown(client) == [late.title]


def test_who_may_not_see_the_known_picture_decides_nothing(
    client, as_role, held, broker: Broker
) -> None:
    reviewer = as_role("Reviewer")
    confirm = client.get(f"{LIST}{held.pk}/take_in/").url
    private = Album.objects.create(name="private")
    private.groups.set([Group.objects.create(name="insiders")])
    private.images.add(Image.objects.get(title="original"))

    assert shown(client) == []
    assert client.get(f"{LIST}{held.pk}/thumbnail.jpg").status_code == 404
    figures = {one.title: one.value for one in client.get("/admin/").context["figures"]}
    assert figures["held for review"] == "0"
    client.post(confirm)  # asked before it was private
    work(broker)
    assert CopyCheck.objects.get().state == "held"

    reviewer.groups.add(Group.objects.get(name="insiders"))
    assert shown(client) == ["copy"]


@pytest.mark.parametrize("mishap", ["binned", "deleted"])
def test_what_it_copies_may_be_gone_by_now(client, as_role, held, mishap: str) -> None:
    as_role("Reviewer")
    known = Image.objects.filter(title="original")
    if mishap == "binned":
        services.move_to_bin(known)
    else:
        known.delete()

    text = client.get(LIST).content.decode()

    said = {"binned": "It is in the bin by now.", "deleted": "It has been deleted since."}
    assert said[mishap] in text
    assert "original" not in text


def test_the_import_says_how_many_are_held_and_refused(client, as_role, held) -> None:
    as_role("Keeper")
    current = held.imports.get()

    for state, said in (
        ("waiting", "to be compared: 1"),
        ("held", "held for review: 1"),
        ("refused", "refused as copies: 1"),
    ):
        CopyCheck.objects.update(state=state)
        for page in ("", f"{current.pk}/change/"):
            assert said in client.get(f"/admin/ingestion/import/{page}").content.decode()
    assert find_progress([current.pk])[current.pk].refused == 1


def test_more_rows_are_no_more_queries(
    client, as_role, held, hold_copy, django_assert_num_queries
) -> None:
    as_role("Reviewer")
    with CaptureQueriesContext(connection) as few:
        client.get(LIST)
    for shade in range(20):
        hold_copy(str(shade), (shade, 0, 90))

    with django_assert_num_queries(len(few)):
        client.get(LIST)
