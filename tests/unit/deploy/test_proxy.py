"""The proxy: its file is Caddy's, and Caddy does with it what docs/operations.md says."""

import contextlib
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.contract.vector_index.edge_process import free_port

CADDYFILE = Path(__file__).resolve().parents[3] / "deploy" / "proxy" / "Caddyfile"
CADDY = str(Path(sys.executable).parent / "caddy")
_LIMIT = 200_000


def test_caddy_understands_the_file_and_would_write_it_so() -> None:
    environ = {"SITE_ADDRESS": "pictures.example.org", "HOME": "/nowhere", "PATH": os.defpath}
    checked = subprocess.run(
        [CADDY, "validate", "--adapter", "caddyfile", "--config", CADDYFILE],
        env=environ,
        capture_output=True,
        text=True,
    )
    written = subprocess.run([CADDY, "fmt", CADDYFILE], capture_output=True, text=True)

    assert checked.returncode == 0, checked.stderr
    assert '"level":"warn"' not in checked.stderr
    assert written.stdout == CADDYFILE.read_text(encoding="utf-8")


class Site(BaseHTTPRequestHandler):
    """What is behind the proxy: tells what it was asked, and when a request reached it."""

    protocol_version = "HTTP/1.1"
    reached = Event()

    def do_POST(self) -> None:
        self.reached.set()
        length = int(self.headers.get("Content-Length") or 0)
        body = json.dumps({"headers": dict(self.headers), "read": len(self.rfile.read(length))})
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    do_GET = do_POST

    def log_message(self, format: str, *_: object) -> None:
        pass


@contextlib.contextmanager
def running_proxy(folder: Path, *, web_port: int) -> Iterator[int]:
    """Yield the port of a Caddy that has the product's file, but ports of its own."""
    port = free_port()
    ports = f"\tadmin off\n\thttp_port {free_port()}\n\thttps_port {port}\n\tskip_install_trust\n"
    text = CADDYFILE.read_text(encoding="utf-8").replace("{\n", "{\n" + ports, 1)
    (folder / "Caddyfile").write_text(text)
    environ = {
        "SITE_ADDRESS": "localhost",
        "WEB_NAME": "localhost",
        "WEB_PORT": str(web_port),
        "UPLOAD_MAX_FORM_BYTES": str(_LIMIT),
        "HOME": str(folder),
        "PATH": os.defpath,
    }
    with (folder / "log").open("w") as log:
        caddy = subprocess.Popen(
            [CADDY, "run", "--adapter", "caddyfile", "--config", folder / "Caddyfile"],
            env=environ,
            stdout=log,
            stderr=log,
        )
    try:
        deadline = time.monotonic() + 30
        while True:
            assert caddy.poll() is None, (folder / "log").read_text()
            with contextlib.suppress(OSError), client(port) as connection:
                connection.connect()
                break
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.05)
        yield port
    finally:
        caddy.terminate()
        caddy.wait(10)


@contextlib.contextmanager
def client(port: int) -> Iterator[http.client.HTTPSConnection]:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection("localhost", port, timeout=20, context=context)
    with contextlib.closing(connection):
        yield connection


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as site:
        Thread(target=site.serve_forever, daemon=True).start()
        folder = tmp_path_factory.mktemp("proxy")
        with running_proxy(folder, web_port=site.server_port) as port:
            yield port
        site.shutdown()
        shutil.rmtree(folder)


def ask(port: int, method: str, **arguments) -> tuple[int, dict[str, str], bytes]:
    with client(port) as connection:
        connection.request(method, "/", **arguments)
        answer = connection.getresponse()
        return answer.status, dict(answer.headers), answer.read()


def test_the_site_is_told_who_asks_and_that_it_was_by_https(proxy: int) -> None:
    # What a client says of itself is not handed on.
    status, headers, body = ask(proxy, "GET", headers={"X-Forwarded-For": "203.0.113.9"})

    seen = json.loads(body)["headers"]
    assert status == 200
    assert headers["Strict-Transport-Security"] == "max-age=31536000"
    assert seen["X-Forwarded-Proto"] == "https"
    assert seen["X-Forwarded-For"] in {"127.0.0.1", "::1"}


def test_a_form_up_to_the_sites_limit_comes_through(proxy: int) -> None:
    status, _, body = ask(proxy, "POST", body=b"x" * _LIMIT)

    assert (status, json.loads(body)["read"]) == (200, _LIMIT)


def test_a_longer_one_is_refused(proxy: int) -> None:
    status, _, _ = ask(proxy, "POST", body=b"x" * (_LIMIT + 1))

    assert status == 413


def test_a_slow_client_reaches_the_site_when_its_body_has_come(proxy: int) -> None:
    Site.reached.clear()
    with client(proxy) as connection:
        connection.putrequest("POST", "/")
        connection.putheader("Content-Length", "10")
        connection.endheaders(b"half ")
        reached_early = Site.reached.wait(0.5)
        connection.send(b"and..")
        answer = connection.getresponse()

        assert not reached_early
        assert json.loads(answer.read())["read"] == 10


def test_a_web_that_is_started_again_is_waited_for(tmp_path: Path) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        web_port = reserved.getsockname()[1]
    with running_proxy(tmp_path, web_port=web_port) as port:
        answers: list[int] = []
        waiting = Thread(target=lambda: answers.append(ask(port, "GET")[0]))
        waiting.start()
        time.sleep(1)
        with ThreadingHTTPServer(("127.0.0.1", web_port), Site) as site:
            Thread(target=site.serve_forever, daemon=True).start()
            waiting.join(20)
            site.shutdown()

    assert answers == [200]
