"""The web server alone, as production starts it: what clients do to it, and to each other."""

import http.client
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest

from config.env import ROOT, WEB_THREADS
from deploy.local.product import environment
from tests.integration.product import free_port, wait_until

MAX_UPLOAD = 2_000_000
JSON = {"Accept": "application/json"}
# Beside other tests an answer takes its time; one that waits for a client never comes.
ANSWERED_S = 20.0


class Site:
    """One web process, with an empty catalogue, and nothing else of the product."""

    def __init__(self, port: int, spool: Path) -> None:
        self.port = port
        self.spool = spool
        self.url = f"http://127.0.0.1:{port}"

    def connect(self, begun: bytes = b"") -> socket.socket:
        """Open a connection and send what a client has begun to say."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=ANSWERED_S)
        connection.sendall(begun)
        return connection

    def answer(self, connection: socket.socket) -> bytes:
        """Return all that comes until the site has nothing more to say to this client."""
        return b"".join(iter(lambda: connection.recv(100_000), b""))

    def status(self, path: str = "/healthz") -> int:
        """Return how a page answers."""
        return httpx.get(self.url + path, timeout=ANSWERED_S).status_code


def head(path: str, *lines: str) -> bytes:
    """Return the head of a POST request."""
    first = (f"POST {path} HTTP/1.1", "Host: localhost", "Accept: application/json")
    return "\r\n".join((*first, *lines, "", "")).encode()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    spool, port = tmp_path_factory.mktemp("spool"), free_port()
    environ = {
        **environment(),
        "DATA_DIR": str(tmp_path_factory.mktemp("data")),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "TMPDIR": str(spool),
        "UPLOAD_MAX_BYTES": str(MAX_UPLOAD),
        "WEB_PORT": str(port),
        "WEB_WORKERS": "1",
    }
    server = [sys.executable, "-m", "gunicorn", "--config", "python:config.gunicorn"]
    prepare = [sys.executable, "manage.py", "prepare_database"]
    subprocess.run(prepare, cwd=ROOT, env=environ, check=True, capture_output=True)
    process = subprocess.Popen([*server, "config.wsgi"], cwd=ROOT, env=environ)
    site = Site(port, spool)
    try:
        wait_until(lambda: _is_up(site), what="the site is up", timeout_s=60)
        yield site
    finally:
        process.terminate()
        assert process.wait(30) == 0


def _is_up(site: Site) -> bool:
    try:
        return site.status() == 200
    except httpx.TransportError:
        return False


def test_clients_that_say_nothing_or_half_of_it_hold_nobody_up(site: Site) -> None:
    half = [b"", b"GET / HTTP/1.1\r\nHost: local", head("/", "Content-Length: 1000") + b"half"]
    with ExitStack() as stack:
        for begun in half * WEB_THREADS:
            stack.enter_context(site.connect(begun))
        assert site.status() == 200
        assert site.status("/") == 200


def test_a_body_that_is_announced_too_long_is_refused_before_it_comes(site: Site) -> None:
    with site.connect(head("/", "Content-Length: 300000000") + b"x" * 10_000) as connection:
        answer = site.answer(connection)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"request:user:too-large" in answer


def test_a_body_of_no_announced_length_is_refused_while_it_comes(site: Site) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with site.connect(head("/", "Transfer-Encoding: chunked")) as connection:
        for _ in range(2 * MAX_UPLOAD // 0x10000):
            connection.sendall(chunk)
        answer = site.answer(connection)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert not list(site.spool.iterdir())


def test_a_client_that_sends_all_before_it_listens_reads_why_it_was_refused(site: Site) -> None:
    answer = httpx.post(site.url, files={"picture": bytes(8 * MAX_UPLOAD)}, headers=JSON)
    assert answer.status_code == 413
    assert answer.json()["error"] == {
        "code": "request:user:too-large",
        "sentence": "What you sent is larger than 2 MB.",
    }


def test_what_follows_a_refused_body_is_no_request(site: Site) -> None:
    smuggled = b"x" * 100 + b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with site.connect(head("/login/", "Content-Length: 5000000") + smuggled) as connection:
        answer = site.answer(connection)
    assert answer.count(b"HTTP/1.1 ") == 1


def test_an_address_without_files_takes_a_small_body_only(site: Site) -> None:
    too_long = bytes(MAX_UPLOAD)
    assert httpx.post(site.url + "/login/", content=too_long, headers=JSON).status_code == 413
    # Of the right size, and refused for what it is.
    assert httpx.post(site.url + "/", content=too_long, headers=JSON).status_code == 403


def test_who_expects_to_be_asked_for_the_body_is_refused_without_it(site: Site) -> None:
    lines = ("Content-Length: 300000000", "Expect: 100-continue")
    with site.connect(head("/", *lines)) as connection:
        assert site.answer(connection).startswith(b"HTTP/1.1 413 ")


def test_a_proxy_that_nobody_named_is_not_believed(site: Site) -> None:
    forwarded = {"X-Forwarded-Host": "elsewhere.example", "X-Forwarded-Proto": "https"}
    answer = httpx.get(site.url + "/admin/", headers=forwarded)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/login/?next=/admin/")


def test_a_connection_is_kept_for_the_next_request(site: Site) -> None:
    with httpx.Client(base_url=site.url) as client:
        for _ in range(3):
            answer = client.get("/healthz")
            assert answer.headers.get("Connection") != "close"


def test_an_answer_to_head_has_no_body_that_would_be_taken_for_the_next_answer(site: Site) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=ANSWERED_S)
    with closing(connection):
        for path in ("/", "/robots.txt", "/nothing/here"):
            connection.request("HEAD", path)
            with connection.getresponse() as head:
                assert int(head.headers["Content-Length"]) > 0
            connection.request("GET", "/healthz")
            with connection.getresponse() as answer:
                assert (answer.status, answer.read()) == (200, b"ok")


def test_pages_and_their_files_travel_compressed(site: Site) -> None:
    page = httpx.get(site.url, headers={"Accept-Encoding": "gzip"})
    style = re.findall(r'href="(/static/[^"]+/site\.css)"', page.text)[0]
    sheet = httpx.get(site.url + style, headers={"Accept-Encoding": "gzip"})
    for answer in (page, sheet):
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.num_bytes_downloaded * 2 < len(answer.content)
