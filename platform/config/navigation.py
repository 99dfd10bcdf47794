"""The admin's sidebar: what this person may see, and nothing else."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext

Item = dict[str, Any]


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups of links, without those that would lead to a refusal."""
    groups = (
        (None, (_search(), _upload(request))),
        (
            gettext("Catalogue"),
            (
                _rows(request, gettext("Images"), "image", "catalog.image"),
                _rows(request, gettext("Albums"), "photo_album", "catalog.album"),
                _rows(request, gettext("Tags"), "sell", "catalog.tag"),
                _held(request),
                _rows(request, gettext("Decisions"), "rule", "review.decision"),
                _bin(request),
            ),
        ),
        (
            gettext("Work"),
            (
                _rows(request, gettext("Imports"), "move_to_inbox", "ingestion.import"),
                _watched(request),
                _rows(request, gettext("Bulk edits"), "library_add_check", "catalog.bulkedit"),
                _rows(request, gettext("Jobs"), "work_history", "jobs.jobrecord"),
                _rows(request, gettext("Encoder versions"), "memory", "catalog.encoderversion"),
            ),
        ),
        (
            gettext("Accounts"),
            (
                _rows(request, gettext("Users"), "person", "auth.user"),
                _rows(request, gettext("Groups"), "group", "auth.group"),
                _tokens(request),
                _rows(request, gettext("Saved searches"), "bookmark", "search.savedsearch"),
                _rows(request, gettext("Watches"), "visibility", "watches.watch"),
                _rows(request, gettext("Audit log"), "history", "audit_log.auditentry"),
            ),
        ),
    )
    allowed = [(title, [item for item in items if item]) for title, items in groups]
    return [
        {"title": title, "separator": title is not None, "items": items}
        for title, items in allowed
        if items
    ]


def _search() -> Item:
    # Never "active": every address of the admin begins with the search page's.
    link = reverse("search:page")
    return {"title": gettext("Search page"), "icon": "image_search", "link": link, "active": False}


def _upload(request: HttpRequest) -> Item | None:
    if not request.user.has_perm("catalog.add_image"):
        return None
    return {"title": gettext("Add pictures"), "icon": "upload", "link": reverse("ingestion:upload")}


def _held(request: HttpRequest) -> Item | None:
    if not request.user.has_perm("catalog.review_image"):
        return None
    link = reverse("admin:catalog_heldimage_changelist")
    return {"title": gettext("Held for review"), "icon": "compare", "link": link}


def _bin(request: HttpRequest) -> Item | None:
    if not any(map(request.user.has_perm, ("catalog.delete_image", "catalog.purge_image"))):
        return None
    link = reverse("admin:catalog_binnedimage_changelist")
    return {"title": gettext("Bin"), "icon": "delete", "link": link}


def _tokens(request: HttpRequest) -> Item | None:
    names = ("add", "view", "delete")
    if not any(request.user.has_perm(f"api.{name}_apitoken") for name in names):
        return None
    link = reverse("admin:api_apitoken_changelist")
    return {"title": capfirst(gettext("API tokens")), "icon": "key", "link": link}


def _watched(request: HttpRequest) -> Item | None:
    if not request.user.has_perm("ingestion.add_import"):
        return None
    link = reverse("admin:ingestion_watchedfolder_changelist")
    return {"title": gettext("Watched folders"), "icon": "folder_eye", "link": link}


def _rows(request: HttpRequest, title: str, icon: str, label: str) -> Item | None:
    app, model = label.split(".")
    permissions = (f"{app}.view_{model}", f"{app}.change_{model}")
    if not any(request.user.has_perm(permission) for permission in permissions):
        return None
    return {"title": title, "icon": icon, "link": reverse(f"admin:{app}_{model}_changelist")}
