"""Forms of the admin that are saved late, twice, or with more than anybody expects."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from audit_log.models import AuditEntry
from catalog.models import Album, Image, Tag
from tests.unit.web.conftest import RED, encoded

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]

STALE = "Somebody has changed it since this page was loaded."


@pytest.fixture
def image(add_image: Callable[..., Image]) -> Image:
    image = add_image(encoded(RED), "red", owner="Ann")
    image.tags.add(Tag.objects.create(name="sea"))
    return image


def address(row: object) -> str:
    return f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/change/"


def sendable(value: object) -> object:
    if value is None or isinstance(value, str | int):
        return "" if value is None else value
    return [each.pk for each in value]


def sent_by(client: Client, row: object) -> dict[str, object]:
    """What a browser sends that has loaded a row's page, if nothing on it is touched."""
    page = client.get(address(row))
    form = page.context["adminform"].form
    values = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    data = {name: sendable(value) for name, value in values.items()}
    hidden = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page.content.decode())
    return {**data, **dict(hidden), "_continue": "1"}


def test_what_a_bulk_edit_did_meanwhile_is_not_undone(
    client: Client, superuser: User, image: Image
) -> None:
    """The picture has come into a private album: the old form would open it to everybody."""
    data = sent_by(client, image) | {"title": "crimson"}
    private = Album.objects.create(name="private")
    private.groups.add(Group.objects.create(name="owners"))
    private.images.add(image)

    pages = [client.post(address(image), data) for _ in range(2)]  # whoever tries again

    assert [STALE in page.content.decode() for page in pages] == [True, True]
    image.refresh_from_db()
    assert (image.title, list(image.albums.all())) == ("red", [private])
    assert not AuditEntry.objects.filter(action="changed").exists()

    client.post(address(image), sent_by(client, image) | {"title": "crimson"})

    image.refresh_from_db()
    assert (image.title, list(image.albums.all())) == ("crimson", [private])


def test_a_form_of_the_row_as_it_is_is_saved(client: Client, superuser: User, image: Image) -> None:
    data = sent_by(client, image) | {"title": "crimson", "owner": "Eve"}
    Image.objects.update(status="indexed", tries=2)  # what workers do is in no form

    assert client.post(address(image), data).status_code == 302

    image.refresh_from_db()
    assert (image.title, image.owner, image.tags.count()) == ("crimson", "Eve", 1)


def test_the_same_form_twice_changes_once_and_says_so(
    client: Client, superuser: User, image: Image
) -> None:
    data = sent_by(client, image) | {"title": "crimson"}

    first, second = client.post(address(image), data), client.post(address(image), data)

    assert first.status_code == 302
    assert STALE in second.content.decode()
    assert AuditEntry.objects.filter(action="changed").count() == 1


@pytest.mark.parametrize("model", [Tag, Album])
def test_a_name_that_was_changed_meanwhile(client: Client, superuser: User, model) -> None:
    row = model.objects.create(name="old")
    data = sent_by(client, row) | {"name": "mine"}
    model.objects.update(name="theirs")

    assert STALE in client.post(address(row), data).content.decode()

    row.refresh_from_db()
    assert row.name == "theirs"


def test_an_album_that_was_closed_meanwhile_is_not_opened(client: Client, superuser: User) -> None:
    album = Album.objects.create(name="trip")
    data = sent_by(client, album) | {"name": "journey"}
    album.groups.add(Group.objects.create(name="owners"))

    assert STALE in client.post(address(album), data).content.decode()
    assert album.groups.count() == 1


def test_accounts_and_groups_are_checked_too(client: Client, superuser: User) -> None:
    group = Group.objects.create(name="old")
    data = sent_by(client, group) | {"name": "mine"}
    Group.objects.update(name="theirs")

    assert STALE in client.post(address(group), data).content.decode()
    assert client.get(address(superuser)).status_code == 200


@pytest.mark.parametrize("model", [Tag, Album])
def test_a_name_that_another_has_is_refused(client: Client, superuser: User, model) -> None:
    row, _ = (model.objects.create(name=name) for name in ("old", "taken"))

    page = client.post(address(row), sent_by(client, row) | {"name": " taken "})

    assert page.status_code == 200
    assert page.context["adminform"].form.errors["name"]
    row.refresh_from_db()
    assert row.name == "old"


@pytest.mark.parametrize(("model", "chars"), [(Tag, 100), (Album, 200)])
def test_the_longest_name_fits_and_one_more_is_refused(
    client: Client, superuser: User, model, chars: int
) -> None:
    row = model.objects.create(name="old")

    for length, status in ((chars + 1, 200), (chars, 302)):
        data = sent_by(client, row) | {"name": "ё" * length}
        assert client.post(address(row), data).status_code == status

    row.refresh_from_db()
    assert row.name == "ё" * chars


def test_a_picture_with_five_thousand_tags_is_changed(
    client: Client, superuser: User, image: Image
) -> None:
    tags = Tag.objects.bulk_create(Tag(name=f"word {number}") for number in range(5_000))
    image.tags.set(tags)

    answer = client.post(address(image), sent_by(client, image) | {"title": "crimson"})

    assert answer.status_code == 302
    image.refresh_from_db()
    assert (image.title, image.tags.count()) == ("crimson", 5_000)
    assert client.get(f"/images/{image.pk}/").status_code == 200
