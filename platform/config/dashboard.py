"""The admin's first page: how the catalogue does, at a glance, each figure from an index.

What other parts say is asked for afterwards by the page itself, since one that is away is waited
for.
"""

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.timesince import timesince
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache

from catalog import selectors as catalog
from catalog.visibility import Viewer
from config.readiness import READINESS
from ingestion.models import Import
from ingestion.selectors import list_imports
from jobs import selectors as jobs
from kernel.messages import sentence
from kernel.task_names import QUEUES
from search.counts import count_searches_of_last_day

_RATE_OVER = timedelta(minutes=5)
# The process that repeats what has to be repeated says so every second.
_MAINTENANCE_SILENCE_S = 30.0
_PARTS = {
    "database": gettext_lazy("database"),
    "vectors": gettext_lazy("vector store"),
    "storage": gettext_lazy("files"),
    "broker": gettext_lazy("queue"),
    "query_worker": gettext_lazy("query workers"),
    "maintenance": gettext_lazy("maintenance"),
}


@dataclass(frozen=True, slots=True)
class DashboardFigure:
    """A number, what it is, and where it leads to; `note` says more and may be empty."""

    title: str
    value: str
    note: str = ""
    url: str = ""
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class PartState:
    """Whether a part is well; `problem` is a sentence, empty where it is."""

    name: str
    problem: str


def show(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Give the first page its figures, for those who may see images."""
    if request.user.has_perm("catalog.view_image"):
        context |= {"figures": tuple(_figures(request.user)), "parts_url": reverse("admin_parts")}
    return context


@never_cache
def parts(request: HttpRequest) -> HttpResponse:
    """Answer with what each part says, a piece of the first page; within about a second."""
    states = [PartState(str(_PARTS[name]), _said(code)) for name, code in READINESS.look().items()]
    states.append(PartState(str(_PARTS["maintenance"]), _maintenance()))
    return render(request, "admin/parts.html", {"parts": states})


def _said(code: str | None) -> str:
    return "" if code is None else sentence(code)


def _maintenance() -> str:
    sign = settings.DATA_DIR / "run" / "maintenance"
    try:
        silence_s = time.time() - sign.stat().st_mtime
    except OSError:
        return gettext("It does not run on this machine.")
    return "" if silence_s < _MAINTENANCE_SILENCE_S else gettext("It does not run on this machine.")


def _figures(viewer: Viewer) -> Iterator[DashboardFigure]:
    yield from _images(viewer)
    running = list_imports(viewer).filter(state=Import.State.RUNNING).count()
    imports = reverse("admin:ingestion_import_changelist")
    yield DashboardFigure(gettext("imports running"), _number(running), url=imports)
    backlogs = jobs.list_backlogs(frozenset(QUEUES.values()) - {"query"})
    yield DashboardFigure(
        gettext("jobs that workers have"),
        _number(sum(backlog.running for backlog in backlogs.values())),
        note=gettext("waiting: %(count)s")
        % {"count": _number(sum(backlog.queued for backlog in backlogs.values()))},
        url=reverse("admin:jobs_jobrecord_changelist"),
    )
    yield DashboardFigure(
        gettext("searches in 24 hours"),
        _number(count_searches_of_last_day()),
        url=reverse("search:page"),
    )
    yield _disk()


def _images(viewer: Viewer) -> Iterator[DashboardFigure]:
    images = reverse("admin:catalog_image_changelist")
    findable, queued = catalog.count_findable_and_waiting(viewer)
    failed = catalog.count_failed(viewer)
    yield DashboardFigure(gettext("findable"), _number(findable), url=images)
    oldest = catalog.find_oldest_waiting(viewer)
    since = (
        "" if oldest is None else gettext("the oldest for %(time)s") % {"time": timesince(oldest)}
    )
    yield DashboardFigure(
        gettext("waiting"), _number(queued), since, f"{images}?status__exact=queued"
    )
    yield DashboardFigure(
        gettext("failed"), _number(failed), "", f"{images}?status__exact=failed", failed > 0
    )
    if viewer.has_perm("catalog.review_image"):
        held = catalog.list_held_images(viewer).count()
        url = reverse("admin:catalog_heldimage_changelist")
        yield DashboardFigure(gettext("held for review"), _number(held), url=url)
    recently = catalog.count_indexed_since(timezone.now() - _RATE_OVER, viewer)
    rate = number_format(recently / _RATE_OVER.total_seconds(), decimal_pos=1)
    yield DashboardFigure(
        gettext("pictures a second"), rate, gettext("described, in the last five minutes")
    )


def _disk() -> DashboardFigure:
    title = gettext("disk free")
    try:
        usage = shutil.disk_usage(settings.DATA_DIR)
    except OSError as error:
        return DashboardFigure(title, "?", error.strerror or "", is_bad=True)
    return DashboardFigure(
        title,
        filesizeformat(usage.free),
        gettext("of %(size)s") % {"size": filesizeformat(usage.total)},
        is_bad=usage.free < settings.UPLOAD_MAX_BYTES,
    )


def _number(number: int) -> str:
    return number_format(number, force_grouping=True)
