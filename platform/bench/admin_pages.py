"""`manage.py bench pages --images N`: does the admin stay quick in a large catalogue?

Asked of Django itself, without a server between: all that a page costs but the network.
"""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from bench.made_catalogue import COMMON_WORD, FAIR_WORD, KEEPER, RARE_WORD, VIEWER
from catalog.models import Album, Tag
from ingestion.models import Import

_MS: Final = 1000.0


@dataclass(frozen=True, slots=True)
class AdminPage:
    """A page that somebody opens; `account` is the name of who does."""

    name: str
    path: str
    account: str = KEEPER


@dataclass(frozen=True, slots=True)
class AdminPageFigures:
    """How long a page took, in milliseconds, and how many queries it asked.

    `cpu_ms` is the median of what this process worked meanwhile: with SQLite all of it, and hardly
    more where the machine has other work.
    """

    name: str
    p50_ms: float
    p95_ms: float
    cpu_ms: float
    queries: int


def measure(*, rounds: int) -> Iterator[AdminPageFigures]:
    """Yield the figures of each page, of the catalogue that `made_catalogue.fill` made.

    Args:
        rounds: how often each is timed.

    Raises:
        RuntimeError: a page answers with an error.
    """
    logging.getLogger("config.middleware").setLevel(logging.WARNING)  # not a line a page
    clients = {account: log_in(account) for account in (KEEPER, VIEWER)}
    for page in list_pages():
        client = clients[page.account]
        with CaptureQueriesContext(connection) as captured:  # and what is made once, is made
            _time(client, page)
        queries = len(captured)  # later requests forget them
        times, cpu_times = map(
            sorted, zip(*(_time(client, page) for _ in range(rounds)), strict=True)
        )
        middle, last_but_few = (round(share * (rounds - 1)) for share in (0.5, 0.95))
        yield AdminPageFigures(
            page.name, times[middle], times[last_but_few], cpu_times[middle], queries
        )


def log_in(account: str) -> Client:
    """Return a client of one of the made accounts."""
    client = Client(SERVER_NAME="bench")
    client.force_login(
        get_user_model().objects.get(username=account),
        "django.contrib.auth.backends.ModelBackend",
    )
    return client


def _time(client: Client, page: AdminPage) -> tuple[float, float]:
    started, started_cpu = time.perf_counter(), time.process_time()
    answer = client.get(page.path)
    took_s, cpu_s = time.perf_counter() - started, time.process_time() - started_cpu
    if answer.status_code != HTTPStatus.OK:
        raise RuntimeError(f"The page {page.name!r} answered with {answer.status_code}.")
    return took_s * _MS, cpu_s * _MS


def list_pages() -> Iterator[AdminPage]:
    """Yield what is timed, of the catalogue that `made_catalogue.fill` made."""
    images = reverse("admin:catalog_image_changelist")
    yield AdminPage("list of images", images)
    yield AdminPage("the same as a grid", f"{images}?view=grid")
    for name, asked in _narrowed().items():
        yield AdminPage(f"by {name}", f"{images}?{urlencode(asked)}")
    for name, query in {
        "list, half of it hidden": "",
        "search for a common word, half hidden": f"?q={COMMON_WORD}",
        "by a common status, half hidden": "?status__exact=indexed",
    }.items():
        yield AdminPage(name, f"{images}{query}", VIEWER)
    dashboard = reverse("admin:index")
    yield AdminPage("dashboard", dashboard)
    yield AdminPage("dashboard, half hidden", dashboard, VIEWER)
    imports = reverse("admin:ingestion_import_changelist")
    yield AdminPage("imports, half of the images hidden", imports, VIEWER)
    for name, view in {
        "bin": "catalog_binnedimage",
        "tags": "catalog_tag",
        "albums": "catalog_album",
        "bulk edits": "catalog_bulkedit",
        "imports": "ingestion_import",
        "jobs": "jobs_jobrecord",
        "audit log": "audit_log_auditentry",
    }.items():
        yield AdminPage(name, reverse(f"admin:{view}_changelist"))


def _narrowed() -> dict[str, dict[str, object]]:
    """Return what the list is narrowed down by → its address's query."""
    common_tag, rare_tag = Tag.objects.order_by("pk").values_list("pk", flat=True)[:2]
    today = timezone.localdate().isoformat()
    return {
        "a rare status": {"status__exact": "failed"},
        "a common status": {"status__exact": "indexed"},
        "medium": {"medium__exact": "photo"},
        "format": {"format": "png"},
        "damage": {"is_damaged__exact": 1},
        "error": {"error_code": "image:user:broken"},
        "a rare tag": {"tags__id__exact": rare_tag},
        "a common tag": {"tags__id__exact": common_tag},
        "album": {"albums__id__exact": Album.objects.values_list("pk", flat=True)[0]},
        "a private album": {"albums__id__exact": Album.objects.get(name="private").pk},
        "import": {"imports__id__exact": Import.objects.get(source="folder 0").pk},
        "an object": {"label": "label 1"},
        "a common object": {"label": "label 0"},
        "owner": {"owner": "owner 1"},
        "licence": {"licence": "licence 1"},
        "folder": {"folder": "folder 001"},
        "file size": {"file_size": "100-1024"},
        "days": {"created_at_from": today, "created_at_to": today},
        "a common word": {"q": COMMON_WORD},
        "a common word and an owner": {"q": COMMON_WORD, "owner": "owner 1"},
        "two common words": {"q": f"{COMMON_WORD} folder"},
        "a fairly common word": {"q": FAIR_WORD},
        "a rare word": {"q": RARE_WORD},
        "a word that is not there": {"q": "nowhere"},
    }
