"""Work that goes on after the account that began it: it sees what a visitor does (ADR 46)."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, User
from django.db import IntegrityError

from catalog import exports, services
from catalog.models import Album, BulkEdit, BulkEditChunk, CopyCheck, Image
from catalog.services import bulk_edits
from ingestion.models import Import, WatchedFolder
from jobs.models import Delivery
from jobs.services import claim
from tests.conftest import Broker
from tests.rows import new_images

pytestmark = pytest.mark.django_db(transaction=True)

Kind = BulkEdit.Kind
Close = Callable[[User], object]


def delete(user: User) -> None:
    user.delete()


def deactivate(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


CLOSE = pytest.mark.parametrize("close", [delete, deactivate])


@pytest.fixture(params=["member", "superuser"])
def user(request: pytest.FixtureRequest) -> User:
    """Somebody who sees the private album."""
    user = User.objects.create_user("ann", is_superuser=request.param == "superuser")
    if request.param == "member":
        user.groups.add(Group.objects.create(name="owners"))
    return user


@pytest.fixture
def images(user: User, broker: Broker) -> dict[str, Image]:
    """Four images, two of which are private."""
    new_images(4)
    names = ("open", "private", "late open", "late private")
    found = dict(zip(names, Image.objects.order_by("sha256"), strict=True))
    for name, image in found.items():
        Image.objects.filter(pk=image.pk).update(title=name, status="indexed")
    album = Album.objects.create(name="closed")
    album.groups.add(user.groups.first() or Group.objects.create(name="others"))
    album.images.set([found["private"], found["late private"]])
    return found


def started(kind: str, user: User | None, **arguments: Any) -> tuple[BulkEdit, Delivery]:
    chosen = Image.objects.order_by("sha256")
    edit = services.ask_bulk_edit(kind, chosen, started_by_id=None if user is None else user.pk)
    services.start_bulk_edit(edit, arguments)
    edit.refresh_from_db()
    assert edit.job is not None
    return edit, claim(edit.job.pk)


def go_on(edit: BulkEdit, delivery: Delivery) -> None:
    while services.apply_next_chunk(edit.pk, delivery=delivery):
        pass
    edit.refresh_from_db()


@CLOSE
def test_a_bulk_edit_leaves_private_images_once_its_account_is_closed(
    user: User, images: dict[str, Image], close: Close, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_edits, "CHUNK_IMAGES", 2)
    edit, delivery = started(Kind.SET_OWNER, user, value="Ann")
    assert services.apply_next_chunk(edit.pk, delivery=delivery)

    close(user)
    go_on(edit, delivery)

    owned = set(Image.objects.filter(owner="Ann").values_list("title", flat=True))
    assert owned == {"open", "private", "late open"}
    assert (edit.state, edit.done, edit.gone) == ("done", 3, 1)


@CLOSE
def test_held_copies_of_private_images_stay_held(
    user: User, images: dict[str, Image], close: Close
) -> None:
    Image.objects.update(held_at="2026-01-01T00:00Z")
    for image in images.values():
        CopyCheck.objects.create(image=image, policy="hold", state="held", import_id=uuid4())
    edit, delivery = started(Kind.TAKE_IN, user)

    close(user)
    go_on(edit, delivery)

    held = set(Image.objects.filter(held_at__isnull=False).values_list("title", flat=True))
    assert held == {"private", "late private"}


@CLOSE
def test_an_export_has_what_a_visitor_sees_once_its_account_is_closed(
    user: User, images: dict[str, Image], close: Close
) -> None:
    edit, _ = started(Kind.EXPORT, user, format="jsonl")
    ids = [image.pk for image in images.values()]
    assert len(exports.read_rows(edit.pk, ids)) == 4

    close(user)

    assert [row["title"] for row in exports.read_rows(edit.pk, ids)] == ["open", "late open"]


def test_the_system_sees_everything(images: dict[str, Image], broker: Broker) -> None:
    edit, delivery = started(Kind.SET_OWNER, None, value="Ann")
    go_on(edit, delivery)
    assert Image.objects.filter(owner="Ann").count() == 4

    edit, _ = started(Kind.EXPORT, None, format="jsonl")
    assert len(exports.read_rows(edit.pk, [image.pk for image in images.values()])) == 4
    assert BulkEditChunk.objects.filter(edit=edit).exists()


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (BulkEdit, ("started_by", {"kind": Kind.BIN})),
        (Import, ("started_by", {"source": "a"})),
        (WatchedFolder, ("added_by", {"path": "/a"})),
    ],
)
def test_no_work_of_an_account_is_taken_for_the_systems(
    model: Any, fields: tuple[str, dict[str, Any]]
) -> None:
    account, others = fields
    user = User.objects.create_user("ann")
    with pytest.raises(IntegrityError):
        model.objects.create(**{account: user}, **others)

    row = model.objects.create(**{account: user}, **others, by_account=True)
    user.delete()

    row.refresh_from_db()
    assert (getattr(row, account), row.by_account) == (None, True)
