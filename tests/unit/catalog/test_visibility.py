"""Which images, albums and tags a person may know of."""

import pytest
from django.contrib.auth.models import AnonymousUser, Group, User
from django.db.models import ProtectedError

from catalog.models import Album, Image, Tag
from catalog.selectors import count_findable_and_waiting, list_visible_images
from catalog.visibility import hidden_albums, list_albums, list_tags
from tests.rows import new_images

pytestmark = pytest.mark.django_db

VISITOR = AnonymousUser()


def member(*groups: Group, name: str = "somebody") -> User:
    user = User.objects.create_user(name)
    user.groups.set(groups)
    return user


def private(name: str, *groups: Group) -> Album:
    album = Album.objects.create(name=name)
    album.groups.set(groups)
    return album


@pytest.fixture
def groups() -> list[Group]:
    return [Group.objects.create(name=name) for name in ("press", "legal")]


@pytest.fixture
def images() -> list[Image]:
    """In no album, in an open one."""
    rows = [Image.objects.get(pk=pk) for pk in new_images(2)]
    Album.objects.create(name="open").images.add(rows[1])
    return rows


def test_images_that_no_private_album_holds_are_for_everybody(images) -> None:
    assert set(list_visible_images(VISITOR)) == set(images)


def test_a_private_image_is_for_members_and_superusers(images, groups) -> None:
    press, legal = groups
    private("leaked", press).images.add(images[1])

    assert list(list_visible_images(VISITOR)) == [images[0]]
    assert list(list_visible_images(member(legal, name="lawyer"))) == [images[0]]
    assert set(list_visible_images(member(press, name="writer"))) == set(images)
    assert set(list_visible_images(User.objects.create_superuser("chief"))) == set(images)


def test_one_of_an_albums_groups_is_enough(images, groups) -> None:
    private("shared", *groups).images.add(images[0])

    assert images[0] in list_visible_images(member(groups[1]))


def test_an_image_in_several_private_albums_is_for_who_sees_all_of_them(images, groups) -> None:
    press, legal = groups
    private("one", press).images.add(images[0])
    private("two", legal).images.add(images[0])

    assert images[0] not in list_visible_images(member(press, name="writer"))
    assert images[0] not in list_visible_images(member(legal, name="lawyer"))
    assert images[0] in list_visible_images(member(press, legal, name="both"))


def test_changes_of_groups_and_members_hold_at_once(images, groups) -> None:
    press, legal = groups
    album = private("leaked", press)
    album.images.add(images[0])
    user = member(press)
    assert images[0] in list_visible_images(user)

    user.groups.clear()
    assert images[0] not in list_visible_images(user)
    album.groups.add(legal)
    user.groups.add(legal)
    assert images[0] in list_visible_images(user)
    album.groups.clear()
    assert images[0] in list_visible_images(VISITOR)


def test_an_inactive_superuser_sees_what_everybody_sees(images, groups) -> None:
    private("leaked", groups[0]).images.add(images[0])
    former = User.objects.create_superuser("former", is_active=False)

    assert images[0] not in list_visible_images(former)


def test_counts_are_of_what_a_person_may_see(images, groups) -> None:
    private("leaked", groups[0]).images.add(images[0])

    assert count_findable_and_waiting(VISITOR) == (0, 1)
    assert count_findable_and_waiting(member(groups[0])) == (0, 2)


def test_a_group_of_a_private_album_cannot_be_deleted(groups) -> None:
    private("leaked", groups[0])

    with pytest.raises(ProtectedError):
        groups[0].delete()


def test_albums_and_tags_of_hidden_images_alone_are_not_known(images, groups) -> None:
    album = private("leaked", groups[0])
    album.images.add(images[0])
    secret, both, unused = (Tag.objects.create(name=name) for name in ("secret", "both", "unused"))
    secret.images.add(images[0])
    both.images.add(*images)

    assert hidden_albums(VISITOR) == {album.pk: "leaked"}
    assert [each.name for each in list_albums(VISITOR)] == ["open"]
    assert set(list_tags(VISITOR)) == {both, unused}
    inside = member(groups[0])
    assert hidden_albums(inside) == {}
    assert [each.name for each in list_albums(inside)] == ["leaked", "open"]
    assert set(list_tags(inside)) == {secret, both, unused}
