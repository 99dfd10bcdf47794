"""`manage.py bench pages`: do searches, and clients that say nothing, keep pages waiting?

Asked of the running site, with pictures of its catalogue: pages while collages are searched for,
then many searches at once; both again beside connections that are opened and left.
"""

import http.client
import json
import random
import socket
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from threading import Event, Thread
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import httpx
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.urls import reverse

from bench.crowd import Start, all_at_once
from bench.edits import collage, half_mirrored_jpeg60
from catalog import storage
from catalog.models import Image

_TIMEOUT_S: Final = 300.0
_MS: Final = 1000.0
_PHOTOS_A_COLLAGE: Final = 9
_TOO_MANY: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
# What clients have said when they fall silent.
_HALF: Final = (
    b"",
    b"POST / HTTP/1.1\r\nHost: local",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nhalf",
)


@dataclass(frozen=True, slots=True)
class PageTimes:
    """How long one page took, in milliseconds."""

    name: str
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class CrowdFigures:
    """How many searches at once ended.

    Attributes:
        right, wrong: answered, with the original first or not.
        refused: with Retry-After: the site (503) or this caller (429) has too many in flight.
        failed: in any other way.
        slowest_answer_s, slowest_refusal_s: 0 where there was none.
    """

    right: int
    wrong: int
    refused: int
    failed: int
    slowest_answer_s: float
    slowest_refusal_s: float


@dataclass(frozen=True, slots=True)
class PagesFigures:
    """What was seen beside so many silent connections.

    Attributes:
        silent: connections that were opened and left.
        alone: pages while nothing else is asked for.
        busy: the same while collages are searched for.
        crowd: searches at once.
    """

    silent: int
    alone: tuple[PageTimes, ...]
    busy: tuple[PageTimes, ...]
    crowd: CrowdFigures


@dataclass(frozen=True, slots=True)
class _Ended:
    """A request that was answered."""

    status: int
    retry_after: str | None
    body: bytes
    took_s: float


class _Site:
    """A site as a keeper of its catalogue meets it. The client's own work is little beside it."""

    def __init__(self, url: str, session_key: str) -> None:
        self._address = urlsplit(url)
        self._cookies = {settings.SESSION_COOKIE_NAME: session_key}
        answer = httpx.get(url, timeout=_TIMEOUT_S)
        self._cookies["csrftoken"] = answer.cookies["csrftoken"]

    def connect(self) -> socket.socket:
        """Open a connection."""
        host, port = self._address.hostname or "", self._address.port or 80
        return socket.create_connection((host, port), timeout=_TIMEOUT_S)

    def get(self, path: str) -> _Ended:
        """Ask for a page."""
        return self._ask("GET", path, b"", {})

    def search(self, picture: bytes) -> _Ended:
        """Search with a picture, and wait for all proofs."""
        form = httpx.Request("POST", "http://form/", files={"picture": ("query.jpg", picture)})
        headers = {
            "Accept": "application/json",
            "Content-Type": form.headers["Content-Type"],
            "X-CSRFToken": self._cookies["csrftoken"],
        }
        return self._ask("POST", "/", form.read(), headers)

    def _ask(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> _Ended:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        connection = http.client.HTTPConnection(self._address.netloc, timeout=_TIMEOUT_S)
        with closing(connection):
            started = time.perf_counter()
            connection.request(method, path, body, {**headers, "Cookie": cookies})
            answer = connection.getresponse()
            content = answer.read()
            took_s = time.perf_counter() - started
        return _Ended(answer.status, answer.getheader("Retry-After"), content, took_s)


def measure(
    url: str, *, rounds: int, collages: int, searches: int, silent: int, seed: int
) -> Generator[PagesFigures, None, None]:
    """Yield what was seen without silent connections, then beside them.

    Args:
        url: the site's address.
        rounds: how often each page is asked for.
        collages: searches in flight meanwhile.
        searches: at once, with edited copies of different pictures.
        silent: connections that are opened and left.
        seed: of the choice of pictures.

    Raises:
        RuntimeError: a page answers with an error.
        ValueError: the catalogue has too few indexed pictures, or no superuser.
    """
    chosen = _choose(max(searches, _PHOTOS_A_COLLAGE), seed)
    originals = {pk: storage.read(storage.original_name(sha256)) for pk, sha256 in chosen}
    copies = [(pk, half_mirrored_jpeg60(data)) for pk, data in originals.items()][:searches]
    queries = _collages(list(originals.values()), collages, seed)
    with _session() as session_key:
        site = _Site(url, session_key)
        pages = {
            "image page": reverse("catalog:image", args=[chosen[0][0]]),
            "admin list": reverse("admin:catalog_image_changelist"),
            "/healthz": reverse("healthz"),
        }
        for count in (0, silent):
            with _silent_connections(site, count):
                alone = _time_pages(site, pages, rounds)
                with _searched_for(site, queries):
                    busy = _time_pages(site, pages, rounds)
                yield PagesFigures(count, alone, busy, _crowd(site, copies))


def _choose(count: int, seed: int) -> list[tuple[UUID, str]]:
    indexed = Image.objects.filter(status=Image.Status.INDEXED).order_by("sha256")
    rows = list(indexed.values_list("pk", "sha256"))
    if len(rows) < count:
        raise ValueError(f"The catalogue has {len(rows)} indexed pictures; {count} are needed.")
    return random.Random(seed).sample(rows, count)  # noqa: S311  # repeatable


def _collages(originals: list[bytes], count: int, seed: int) -> list[bytes]:
    draw = random.Random(seed)  # noqa: S311  # repeatable
    return [collage(draw.sample(originals, _PHOTOS_A_COLLAGE)) for _ in range(count)]


@contextmanager
def _session() -> Iterator[str]:
    """Log the first superuser in for a while."""
    user = get_user_model().objects.filter(is_superuser=True, is_active=True).first()
    if user is None:
        raise ValueError("There is no superuser to look at the admin with.")
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    try:
        yield str(session.session_key)
    finally:
        session.delete()


@contextmanager
def _silent_connections(site: _Site, count: int) -> Iterator[None]:
    with ExitStack() as stack:
        for number in range(count):
            connection = stack.enter_context(site.connect())
            connection.sendall(_HALF[number % len(_HALF)])
        yield


@contextmanager
def _searched_for(site: _Site, queries: Sequence[bytes]) -> Iterator[None]:
    """Keep a search with each query in flight."""
    is_over = Event()

    def search_on(query: bytes) -> None:
        while not is_over.is_set():
            site.search(query)

    threads = [Thread(target=search_on, args=[query]) for query in queries]
    for thread in threads:
        thread.start()
    time.sleep(1.0)  # all are under way
    try:
        yield
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def _time_pages(site: _Site, pages: Mapping[str, str], rounds: int) -> tuple[PageTimes, ...]:
    times: dict[str, list[float]] = {name: [] for name in pages}
    for _ in range(rounds):
        for name, path in pages.items():
            answer = site.get(path)
            if answer.status != HTTPStatus.OK:
                raise RuntimeError(f"The {name} answered with {answer.status}.")
            times[name].append(answer.took_s * _MS)
    return tuple(_page_times(name, sorted(each)) for name, each in times.items())


def _page_times(name: str, ascending: Sequence[float]) -> PageTimes:
    last = len(ascending) - 1
    return PageTimes(name, ascending[round(0.5 * last)], ascending[round(0.95 * last)])


def _crowd(site: _Site, copies: Sequence[tuple[UUID, bytes]]) -> CrowdFigures:
    def one(number: int, start: Start) -> _Ended:
        start.wait_for_all()
        return site.search(copies[number][1])

    ended = all_at_once(len(copies), one)
    answered = [each for each in ended if each.status == HTTPStatus.OK]
    refused = [each for each in ended if each.status in _TOO_MANY and each.retry_after]
    right = sum(
        each.status == HTTPStatus.OK and _first(each.body) == str(pk)
        for each, (pk, _) in zip(ended, copies, strict=True)
    )
    return CrowdFigures(
        right=right,
        wrong=len(answered) - right,
        refused=len(refused),
        failed=len(ended) - len(answered) - len(refused),
        slowest_answer_s=max((each.took_s for each in answered), default=0.0),
        slowest_refusal_s=max((each.took_s for each in refused), default=0.0),
    )


def _first(body: bytes) -> str | None:
    groups = json.loads(body)["groups"]
    hits = groups[0]["hits"] if groups else []
    return str(hits[0]["image_id"]) if hits else None
