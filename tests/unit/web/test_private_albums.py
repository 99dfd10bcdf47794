"""Albums are closed and opened in the admin, and what that means for searches, files and edits."""

import pytest
from django.contrib.auth.models import Group, User
from django.urls import reverse

from accounts.roles import ensure_roles
from catalog import services
from catalog.models import Album, BulkEdit, Image
from catalog.vector_store import open_index
from ingestion.models import Import
from jobs.models import JobRecord
from jobs.services import claim
from tests.unit.web import fake_worker
from tests.unit.web.conftest import BLUE, DARK_RED, RED, encoded, upload
from vectors.index import EditablePayload

ALBUMS = "/admin/catalog/album/"


@pytest.fixture
def press(db) -> Group:
    return Group.objects.create(name="press")


@pytest.fixture
def keeper(client, db) -> User:
    ensure_roles()
    user = User.objects.create_user("kim", is_staff=True)
    user.groups.add(Group.objects.get(name="Keeper"))
    client.force_login(user)
    return user


@pytest.fixture
def album(db) -> Album:
    return Album.objects.create(name="Embargo")


@pytest.fixture
def closed(album, press) -> Album:
    """The same album, private to the press."""
    album.groups.add(press)
    return album


@pytest.fixture
def member(press) -> User:
    user = User.objects.create_user("member")
    user.groups.add(press)
    return user


def close(client, album: Album, *groups: Group):
    fields = {"name": album.name, "private_to": [group.pk for group in groups]}
    return client.post(f"{ALBUMS}{album.pk}/change/", fields)


def titles(client, data: bytes) -> list[str]:
    answer = client.post("/", {"picture": upload(data)}, headers={"accept": "application/json"})
    return [hit["title"] for group in answer.json()["groups"] for hit in group["hits"]]


def test_a_keeper_closes_an_album_and_no_payload_has_to_follow(
    client, keeper, press, album, searchable
) -> None:
    keeper.groups.add(press)
    image = searchable(encoded(RED), "front page")
    album.images.add(image)
    jobs = JobRecord.objects.count()

    assert close(client, album, press).status_code == 302

    assert list(album.groups.all()) == [press]
    image.refresh_from_db()
    assert (image.payload_due_at, JobRecord.objects.count()) == (None, jobs)
    listed = client.get(ALBUMS).content.decode()
    assert "press" in listed


def test_an_album_is_opened_again(client, keeper, press, album) -> None:
    keeper.groups.add(press)
    album.groups.add(press)

    close(client, album)

    assert not album.groups.exists()
    assert "everybody" in client.get(ALBUMS).content.decode()


def test_nobody_hides_an_album_from_themselves(client, keeper, press, album) -> None:
    page = close(client, album, press)

    assert "you would not see the album yourself" in page.content.decode()
    assert not album.groups.exists()


def test_an_editor_sees_whom_an_album_is_private_to_and_cannot_close_it(
    client, press, album, keeper
) -> None:
    keeper.groups.set([Group.objects.get(name="Editor"), press])
    page = client.get(f"{ALBUMS}{album.pk}/change/")

    assert page.status_code == 200
    assert "everybody" in page.content.decode()

    assert close(client, album, press).status_code == 403
    assert not album.groups.exists()


@pytest.mark.parametrize("has_images", [True, False])
def test_a_private_album_with_images_cannot_be_deleted(
    client, keeper, closed, add_image, has_images
) -> None:
    keeper.groups.add(closed.groups.get())
    if has_images:
        closed.images.add(add_image(encoded(RED), "front page"))

    client.post(f"{ALBUMS}{closed.pk}/delete/", {"post": "yes"})
    many = {"action": "delete_selected", "_selected_action": [closed.pk], "post": "1"}
    client.post(ALBUMS, many)

    assert Album.objects.filter(pk=closed.pk).exists() is has_images


def test_a_group_that_an_album_is_private_to_cannot_be_deleted(client, press, album) -> None:
    album.groups.add(press)
    client.force_login(User.objects.create_superuser("chief"))

    page = client.post(f"/admin/auth/group/{press.pk}/delete/", {"post": "yes"})

    assert page.status_code == 200
    assert Group.objects.filter(pk=press.pk).exists()


def test_hidden_pictures_take_no_ranks(client, searchable, worker, version, closed) -> None:
    # given more hidden pictures, all of them nearer, than a search asks points for
    far = searchable(encoded(BLUE), "far but open")
    index = open_index(version)
    near = [searchable(encoded((220, 30, shade)), f"near {shade}") for shade in range(130)]
    closed.images.add(*near)
    index.set_payload([image.pk for image in near], EditablePayload("unknown", (), ("Embargo",)))

    assert titles(client, encoded(RED)) == [far.title]


def test_what_was_just_made_private_is_found_by_nobody_else_before_its_points_say_so(
    client, searchable, worker, closed, member
) -> None:
    image = searchable(encoded(RED), "front page")
    searchable(encoded(DARK_RED), "inside page")
    assert titles(client, encoded(RED)) == ["front page", "inside page"]

    closed.images.add(image)  # its points carry no album yet

    assert titles(client, encoded(RED)) == ["inside page"]
    client.force_login(member)
    assert titles(client, encoded(RED)) == ["front page", "inside page"]


def test_superusers_find_what_is_private(client, searchable, worker, version, closed) -> None:
    image = searchable(encoded(RED), "front page")
    closed.images.add(image)
    open_index(version).set_payload([image.pk], EditablePayload("unknown", (), (closed.name,)))

    client.force_login(User.objects.create_superuser("chief"))

    assert titles(client, encoded(RED)) == ["front page"]
    assert fake_worker.last_copies_request().hidden_albums == ()
    client.logout()
    assert titles(client, encoded(RED)) == []
    assert fake_worker.last_copies_request().hidden_albums == (closed.pk,)


@pytest.mark.parametrize("name", ["thumbnail", "original"])
def test_files_of_a_private_picture_are_asked_for_each_time(
    client, add_image, closed, member, name
) -> None:
    image = add_image(encoded(RED), "front page")
    url = reverse(f"catalog:{name}", args=[image.pk])
    closed.images.add(image)

    client.force_login(member)
    answer = client.get(url)

    assert (answer.status_code, answer["Cache-Control"]) == (200, "private, no-cache")
    kept = {"if-none-match": answer["ETag"]}
    assert client.get(url, headers=kept).status_code == 304
    client.logout()
    assert client.get(url, headers=kept).status_code == 404


def test_who_uploads_a_private_picture_is_told_that_and_nothing_more(
    client, keeper, closed, add_image
) -> None:
    image = add_image(encoded(RED), "front page")
    closed.images.add(image)

    page = client.post("/upload/", {"files": [upload(encoded(RED), "mine.png")]})

    text = page.content.decode()
    assert "in the catalogue already, private to others" in text
    assert "Already there: 1" in text
    assert str(image.pk) not in text
    assert "front page" not in text
    # One's own import is shown, and counts nothing of what is hidden.
    watched = client.get(f"/admin/ingestion/import/{Import.objects.get().pk}/change/")
    assert watched.status_code == 200
    assert "1 of 1" not in watched.content.decode()
    assert "0 of 1" not in watched.content.decode()


def test_a_bulk_edit_takes_only_what_its_author_sees_when_asked_and_when_done(
    client, keeper, closed, add_image
) -> None:
    shades = [add_image(encoded((shade, 30, 30)), f"shade {shade}") for shade in range(4)]
    closed.images.add(shades[0])
    every = {"action": "set_owner", "_selected_action": [shades[3].pk], "select_across": "1"}

    asked = client.post("/admin/catalog/image/", every)
    closed.images.add(shades[1])  # after the question
    question = client.get(asked["Location"]).content.decode()
    client.post(asked["Location"], {"value": "Agency"})

    assert "3 images" in question
    assert "shade 2" in question
    assert "shade 1" not in question
    edit = BulkEdit.objects.get()
    job = JobRecord.objects.get(name="workers.edit_images")
    services.apply_next_chunk(edit.pk, delivery=claim(job.pk))
    owned = Image.objects.filter(owner="Agency").order_by("title")
    assert list(owned) == [shades[2], shades[3]]
