"""The ready roles: what each may do, and the groups that are made of them."""

from collections.abc import Iterable, Mapping

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q

from accounts.models import Role

# Each role may do what the one before it may, and what stands here. None may edit accounts: who
# may, may make any account a superuser, the own one too.
_MORE: Mapping[str, tuple[str, ...]] = {
    "Viewer": (
        *("catalog.view_image", "catalog.view_region", "catalog.view_album"),
        "api.add_apitoken",
    ),
    "Editor": (
        *("catalog.add_image", "catalog.change_image"),
        *("catalog.view_tag", "catalog.add_tag", "catalog.change_tag"),
        *("ingestion.view_import", "ingestion.view_importfailure"),
    ),
    "Reviewer": (
        "catalog.review_image",
        *("catalog.view_bulkedit", "catalog.view_encoderversion"),
        *("review.add_decision", "review.view_decision"),
    ),
    "Keeper": (
        *("catalog.delete_image", "catalog.purge_image", "catalog.export_image"),
        *("catalog.delete_tag", "audit_log.view_auditentry", "review.delete_decision"),
        *("catalog.add_album", "catalog.change_album", "catalog.delete_album"),
        *("ingestion.add_import", "ingestion.change_import", "jobs.view_jobrecord"),
        *(
            "search.view_savedsearch",
            "watches.view_watch",
        ),
    ),
}


def permissions_of(role: str) -> frozenset[str]:
    """Return what a role may do, as "app.codename".

    Raises:
        ValueError: there is no such role.
    """
    names = list(_MORE)
    return frozenset(one for name in names[: names.index(role) + 1] for one in _MORE[name])


@transaction.atomic
def ensure_roles() -> None:
    """Make the group of each role, or give it what a later release has the role do.

    What people change stays: a permission that they took away or added, a group that they renamed
    or deleted. A group that had a role's name before is never touched.
    """
    for name in _MORE:
        role, is_new = Role.objects.select_for_update().get_or_create(name=name)
        if is_new and not Group.objects.filter(name=name).exists():
            role.group = Group.objects.create(name=name)
        if role.group is None:
            role.save()
            continue
        new = permissions_of(name) - set(role.granted)
        role.group.permissions.add(*_find(new))
        role.granted = sorted({*role.granted, *new})
        role.save()


def _find(names: Iterable[str]) -> Iterable[Permission]:
    wanted = Q(pk__in=())
    for app, codename in (name.split(".") for name in names):
        wanted |= Q(content_type__app_label=app, codename=codename)
    return Permission.objects.filter(wanted)
