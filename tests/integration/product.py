"""The real product in a folder of its own: started by the real supervisor, asked from outside.

Its parts are those of one machine, or servers elsewhere that the environment names, as
`tests.backends` does.
"""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import psycopg
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from config.env import ROOT, read_env
from deploy.local.product import locked, supervise
from deploy.local.supervisor import Supervisor

# Far longer than the sweeper needs to notice a dead worker (30 s of silence) and to send its work
# again, since other tests run beside these.
HEALED_S = 240.0
# How long a search may wait in these tests before the page says so; a slow machine proves copies in
# what is left of it.
SEARCH_TIMEOUT_S = 12
METRICS_TOKEN = "a-token-of-these-tests"


class Product:
    """A running Semblance: its pages, its management commands, its database, its processes."""

    def __init__(self, supervisor: Supervisor, data_dir: Path, environ: dict[str, str]) -> None:
        self.supervisor = supervisor
        self.data_dir = data_dir
        self.environ = environ
        self.url = f"http://127.0.0.1:{environ['WEB_PORT']}"

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a management command as a user would; both streams are kept."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """Return what the catalogue's database answers."""
        url = self.environ.get("DATABASE_URL")
        with closing(
            psycopg.connect(url) if url else sqlite3.connect(self.data_dir / "db.sqlite3")
        ) as connection:
            return connection.execute(sql).fetchall()

    def statuses(self) -> dict[str, int]:
        """Return how many images have each status."""
        return dict(self.rows("SELECT status, count(*) FROM catalog_image GROUP BY status"))

    def search(self, picture: bytes) -> httpx.Response:
        """Search as a browser without JavaScript would, but ask for JSON."""
        with httpx.Client(base_url=self.url, timeout=60) as client:
            return post_picture(client, "/", "picture", {"query.jpg": picture}, as_json=True)

    def pid(self, name: str) -> int:
        """Return the process id of a part, 0 while it does not run.

        A broker elsewhere is whatever listens at its address; who started it starts it again.
        """
        url = self.environ.get("BROKER_URL")
        if name != "broker" or not url:
            return self.supervisor.process(name).pid
        listening = (
            connection.pid or 0
            for connection in psutil.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN
            and connection.laddr.port == urlsplit(url).port
        )
        return next(listening, 0)

    def was_started_again(self, name: str, *, before: int) -> bool:
        """Whether a part runs as another process than before."""
        return self.pid(name) not in {0, before}

    def figures(self) -> dict[str, float]:
        """Return what `/metrics` says, by a sample's name and its labels' values in their order."""
        answer = httpx.get(
            f"{self.url}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}, timeout=30
        )
        assert answer.status_code == 200
        return {
            " ".join((sample.name, *sample.labels.values())): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        }

    def lines(self, name: str) -> list[dict[str, Any]]:
        """Return the lines of a process's log that are JSON; its library prints others."""
        text = (self.data_dir / "logs" / f"{name}.log").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def kill_children(self, name: str) -> None:
        """End a process and its children with -9, as the kernel does when memory runs out."""
        parent = psutil.Process(self.pid(name))
        for process in [*parent.children(recursive=True), parent]:
            process.send_signal(signal.SIGKILL)

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """Stop a process and its children without ending them, for a while."""
        parent = psutil.Process(self.pid(name))
        processes = [parent, *parent.children(recursive=True)]
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            for process in processes:
                with suppress(psutil.NoSuchProcess):  # ended meanwhile, since it hung
                    process.resume()


@contextmanager
def running_product(data_dir: Path) -> Iterator[Product]:
    """Start the whole product on free ports and end it afterwards."""
    ours = {
        "DATA_DIR": str(data_dir),
        "WEB_PORT": str(free_port()),
        "VECTORS_PORT": str(free_port()),
        "SEARCH_TIMEOUT_S": str(SEARCH_TIMEOUT_S),
        # Graphs of networks are made once for all tests.
        "MODELS_DIR": f"{os.environ['XDG_CACHE_HOME']}/semblance",
        # Each has the models to load, and there is a core for one.
        "BULK_PROCESSES": "1",
        "QUERY_PROCESSES": "1",
        "ENCODER": "semblance_lite",
        "DETECTOR": "ssd_mobilenet",
        "METRICS_TOKEN": METRICS_TOKEN,
        "LOG_FORMAT": "json",
    }
    before = dict(os.environ)
    os.environ.update(ours)
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)  # the tests' own; each part has its own
    environ = dict(os.environ)
    try:
        env = read_env()
        _refuse_a_used_database(env.database.database_url)
        supervisor = supervise(env)
    finally:
        os.environ.clear()
        os.environ.update(before)
    with locked(env), supervisor:
        yield Product(supervisor, data_dir, environ)


def _refuse_a_used_database(url: SecretStr | None) -> None:
    """Fail rather than fill, break and empty a catalogue that somebody keeps."""
    if url is None:
        return
    with closing(psycopg.connect(url.get_secret_value())) as connection:
        tables = connection.execute(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
        ).fetchone()
    assert tables == (0,), "The database that DATABASE_URL names is in use."


def post_picture(
    client: httpx.Client, path: str, field: str, files: dict[str, bytes], *, as_json: bool = False
) -> httpx.Response:
    """Send files through a form, CSRF token and all."""
    client.get(path)
    return client.post(
        path,
        files=[(field, (name, data, "application/octet-stream")) for name, data in files.items()],
        headers={
            "Accept": "application/json" if as_json else "text/html",
            "X-CSRFToken": client.cookies["csrftoken"],
            "Referer": f"{client.base_url}{path}",
        },
    )


def wait_until(holds: Callable[[], bool], *, what: str, timeout_s: float = HEALED_S) -> None:
    """Return once `holds()` is true; fail with `what` when it takes too long."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def processes_of(data_dir: Path) -> Sequence[psutil.Process]:
    """Return every process on this machine that was started for `data_dir`."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("DATA_DIR") == str(data_dir):
                found.append(process)
        except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return found
