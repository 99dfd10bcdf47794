"""A real PostgreSQL that is stopped and started again under a connection."""

import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from django.db import connections, transaction
from django.db.utils import ConnectionHandler

from jobs.models import JobRecord
from kernel.database import patiently, translated
from kernel.errors import TransientError

BINARIES = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)
# The server refuses to run as root; Debian's package makes an account for it.
AS_ITS_OWN_USER = ("runuser", "-u", "postgres", "--") if os.getuid() == 0 else ()

pytestmark = pytest.mark.skipif(
    BINARIES is None or (bool(AS_ITS_OWN_USER) and shutil.which("runuser") is None),
    reason="no PostgreSQL server here",
)


class Server:
    """A server in a folder of its own, on a port of loopback."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._run("initdb", "--auth", "trust", "--username", "semblance", "--no-sync")

    def start(self) -> None:
        options = f"-p {self.port} -k {self.data} -c listen_addresses=127.0.0.1"
        self._run("pg_ctl", "start", "--wait", "--options", options, "--log", f"{self.data}/log")

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "--wait", "--mode", "immediate")

    def _run(self, program: str, *arguments: str) -> None:
        command = [*AS_ITS_OWN_USER, f"{BINARIES}/{program}", "-D", str(self.data), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/", timeout=60)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    # pytest's own folders are for this account alone.
    with tempfile.TemporaryDirectory(prefix="semblance-postgresql-") as name:
        if AS_ITS_OWN_USER:
            shutil.chown(name, "postgres")
        server = Server(Path(name))
        server.start()
        yield server
        with suppress(subprocess.CalledProcessError):
            server.stop()


@pytest.fixture
def rows(server: Server, django_db_blocker) -> Iterator[Callable[[], int]]:
    """Let the server be this thread's database, with a table of jobs; returns how many it has."""
    settings = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "postgres",
        "USER": "semblance",
        "HOST": "127.0.0.1",
        "PORT": str(server.port),
    }
    before = connections["default"]
    connections["default"] = ConnectionHandler({"default": settings})["default"]
    with django_db_blocker.unblock():
        try:
            with connections["default"].schema_editor() as editor:
                editor.create_model(JobRecord)
            yield JobRecord.objects.count
            with connections["default"].schema_editor() as editor:
                editor.delete_model(JobRecord)
        finally:
            connections["default"].close()
            connections["default"] = before


def test_work_goes_on_when_the_server_is_back(server: Server, rows) -> None:
    server.stop()
    with pytest.raises(TransientError) as refused, translated():
        rows()
    assert refused.value.code == "database:transient:away"

    thread = threading.Timer(1, server.start)
    thread.start()
    patiently(lambda: JobRecord.objects.create(name="a"), for_s=60)
    thread.join()

    assert rows() == 1


def test_a_transaction_that_was_cut_off_is_begun_again_as_a_whole(server: Server, rows) -> None:
    tries = []

    def write_twice() -> None:
        with transaction.atomic():
            JobRecord.objects.create(name="first")
            if not tries:
                tries.append(threading.Timer(1, server.start))
                server.stop()
                tries[0].start()
            JobRecord.objects.create(name="second")

    patiently(write_twice, for_s=60)
    tries[0].join()

    assert sorted(JobRecord.objects.values_list("name", flat=True)) == ["first", "second"]


def test_a_server_that_takes_no_changes(rows) -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")

    with pytest.raises(TransientError) as refused, translated():
        JobRecord.objects.create(name="a")

    assert refused.value.code == "database:transient:read-only"
    with connections["default"].cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = off")
