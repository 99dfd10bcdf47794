"""`manage.py bench pages` against a small site that answers as it is told."""

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from django.contrib.sessions.models import Session

from bench import pages
from catalog import storage
from catalog.models import Image
from tests.pictures import encoded, noise

SLOTS, PEOPLE = 3, 8
# A collage's file is longer than an edited copy's of one small picture.
COLLAGE_BYTES = 8_000


class Site(ThreadingHTTPServer):
    """Searches for so many people at a time, and finds the same image for everybody."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, first: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.first = first
        self.admin_status = 200
        self.slots = threading.BoundedSemaphore(SLOTS)
        self.all_are_here = threading.Barrier(PEOPLE)
        self.refusals = itertools.cycle((429, 503))


class Handler(BaseHTTPRequestHandler):
    """Answers pages, and searches."""

    server: Site

    def do_GET(self) -> None:
        is_admin = self.path.startswith("/admin/")
        self._answer(self.server.admin_status if is_admin else 200, b"page")

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        self.rfile.read(length)
        is_collage = length > COLLAGE_BYTES
        has_slot = is_collage or self.server.slots.acquire(blocking=False)
        if not is_collage:
            self.server.all_are_here.wait(30)
        if not has_slot:
            # As a site does that has no slot, and one that counts the caller's.
            self._answer(next(self.server.refusals), b"busy")
            return
        hits = [{"image_id": self.server.first}]
        self._answer(200, json.dumps({"groups": [{"hits": hits}]}).encode())
        if not is_collage:
            self.server.slots.release()

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", "csrftoken=token; Path=/")
        if status in {429, 503}:
            self.send_header("Retry-After", "5")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def site(media: Path, db: None, rng: np.random.Generator) -> Iterator[Site]:
    for number in range(9):
        data = encoded(noise(rng, 64, 48))
        sha256 = f"{number:064}"
        storage.write(storage.original_name(sha256), data)
        facts = {"format": "png", "width": 64, "height": 48, "file_bytes": len(data)}
        Image.objects.create(sha256=sha256, status=Image.Status.INDEXED, **facts)
    site = Site(str(Image.objects.order_by("sha256").first().pk))
    threading.Thread(target=site.serve_forever, daemon=True).start()
    yield site
    site.shutdown()
    site.server_close()


def measure(site: Site) -> list[pages.PagesFigures]:
    address = f"http://127.0.0.1:{site.server_port}"
    counts = {"rounds": 3, "collages": 2, "searches": PEOPLE, "silent": 4}
    with closing(pages.measure(address, **counts, seed=0)) as measured:
        return list(measured)


def test_pages_are_timed_and_searches_counted(site: Site, admin_user: object) -> None:
    without, beside = measure(site)

    assert (without.silent, beside.silent) == (0, 4)
    for figures in (without, beside):
        names = [page.name for page in figures.alone]
        assert names == [page.name for page in figures.busy]
        assert names == ["image page", "admin list", "/healthz"]
        assert all(0 < page.p50_ms <= page.p95_ms for page in (*figures.alone, *figures.busy))
        crowd = figures.crowd
        assert (crowd.right + crowd.wrong, crowd.refused, crowd.failed) == (SLOTS, 5, 0)
        assert crowd.right <= 1  # the same image came first for everybody
        assert crowd.slowest_answer_s > 0 < crowd.slowest_refusal_s
    assert not Session.objects.exists()


def test_a_page_that_fails_is_said(site: Site, admin_user: object) -> None:
    site.admin_status = 500
    with pytest.raises(RuntimeError, match="admin list answered with 500"):
        measure(site)
    assert not Session.objects.exists()


def test_somebody_has_to_look_at_the_admin(site: Site) -> None:
    with pytest.raises(ValueError, match="There is no superuser"):
        measure(site)


def test_a_catalogue_with_too_few_pictures_is_not_measured(site: Site, admin_user: object) -> None:
    Image.objects.update(status=Image.Status.QUEUED)
    with pytest.raises(ValueError, match="has 0 indexed pictures; 9 are needed"):
        measure(site)
