"""Ready roles are made once, grow with releases, and keep what people change."""

from itertools import pairwise

import pytest
from django.contrib.auth.models import Group, Permission, User

from accounts.models import Role
from accounts.roles import ensure_roles, permissions_of

pytestmark = pytest.mark.django_db
ROLES = ("Viewer", "Editor", "Reviewer", "Keeper")


def held(group: Group) -> set[str]:
    rows = group.permissions.values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in rows}


def test_every_role_is_a_group_with_its_permissions() -> None:
    ensure_roles()

    assert {group.name: held(group) for group in Group.objects.all()} == {
        name: permissions_of(name) for name in ROLES
    }


def test_each_role_may_do_what_the_one_before_it_may() -> None:
    for less, more in pairwise(ROLES):
        assert permissions_of(less) < permissions_of(more)


@pytest.mark.parametrize("name", ROLES)
def test_no_role_may_edit_accounts(name: str) -> None:
    assert [one for one in permissions_of(name) if one.startswith(("auth.", "accounts."))] == []


@pytest.mark.parametrize(
    ("name", "may", "may_not"),
    [
        ("Viewer", "catalog.view_image", "catalog.change_image"),
        ("Editor", "catalog.add_image", "catalog.change_album"),
        ("Reviewer", "catalog.view_bulkedit", "catalog.delete_image"),
        ("Keeper", "catalog.delete_image", "auth.change_user"),
    ],
)
def test_a_role_may_what_the_table_says(name: str, may: str, may_not: str) -> None:
    ensure_roles()
    user = User.objects.create_user("somebody")
    user.groups.add(Group.objects.get(name=name))

    assert (user.has_perm(may), user.has_perm(may_not)) == (True, False)


def test_what_a_person_changed_survives_an_upgrade() -> None:
    ensure_roles()
    editors = Group.objects.get(name="Editor")
    taken = Permission.objects.get(codename="add_image")
    added = Permission.objects.get(codename="view_jobrecord")
    editors.permissions.remove(taken)
    editors.permissions.add(added)
    Group.objects.filter(pk=editors.pk).update(name="Archive staff")
    Group.objects.get(name="Reviewer").delete()

    ensure_roles()

    expected = permissions_of("Editor") - {"catalog.add_image"} | {"jobs.view_jobrecord"}
    assert held(editors) == expected
    names = set(Group.objects.values_list("name", flat=True))
    assert names == {"Viewer", "Archive staff", "Keeper"}


def test_what_a_later_release_adds_to_a_role_reaches_its_group() -> None:
    ensure_roles()
    viewers = Group.objects.get(name="Viewer")
    earlier = sorted(permissions_of("Viewer") - {"catalog.view_album"})
    Role.objects.filter(name="Viewer").update(granted=earlier)
    viewers.permissions.set(Permission.objects.filter(codename="view_image"))

    ensure_roles()

    assert held(viewers) == {"catalog.view_image", "catalog.view_album"}


def test_a_group_that_had_the_name_before_is_left_alone() -> None:
    theirs = Group.objects.create(name="Keeper")

    ensure_roles()
    ensure_roles()

    assert held(theirs) == set()
    assert Role.objects.get(name="Keeper").group is None
