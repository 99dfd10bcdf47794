"""A build's whole product, running in a scratch folder: started, filled, and ended."""

import os
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from bench.builds.checkout import Build

_READY = "Semblance is ready"
_POLL_S = 0.05
# What the bulk worker may take to finish its chunk, and the others after it.
_STOP_S, _KILL_S = 180.0, 30.0
_TAIL_LINES = 12
_DATABASE = "db.sqlite3"
# Variables that would point the scratch product at the real one's parts, fill it, or have it turn
# these searches away.
_NOT_HANDED_ON = (
    *("DATABASE_URL", "BROKER_URL", "QDRANT_URL", "S3_BUCKET", "IMAGES", "DJANGO_SETTINGS_MODULE"),
    *("WEB_HOST", "ALLOWED_HOSTS", "SECURE_COOKIES", "SEARCH_REQUIRES_LOGIN"),
)


@dataclass(frozen=True, slots=True)
class Product:
    """A build's product that is up.

    Attributes:
        build: whose it is.
        data_dir: everything that it writes.
        env: what points at it; its commands run with it.
        supervisor_pid: the process that all others descend from.
        ready_s: seconds from its start until it said that it is ready.
    """

    build: Build
    data_dir: Path
    env: dict[str, str]
    supervisor_pid: int
    ready_s: float

    @property
    def url(self) -> str:
        """The site's address, without a slash at its end."""
        return f"http://127.0.0.1:{self.env['WEB_PORT']}"

    @property
    def database(self) -> Path:
        """Its SQLite file."""
        return self.data_dir / _DATABASE


@dataclass(frozen=True, slots=True)
class Imported:
    """The end of an import.

    Attributes:
        indexed: pictures.
        seconds: from its start until the last one was.
        files: that it found.
        reading_s: seconds from its start until all were read.
    """

    indexed: int
    seconds: float
    files: int
    reading_s: float

    @property
    def per_s(self) -> float:
        """Pictures a second, indexed."""
        return self.indexed / self.seconds

    @property
    def read_per_s(self) -> float:
        """Files a second, read while the workers index what was read before."""
        return self.files / self.reading_s


@contextmanager
def running(build: Build, data_dir: Path) -> Iterator[Product]:
    """Run a build's product in a data folder of its own, on ports of its own.

    Raises:
        RuntimeError: it did not come up; the sentence ends with its own last words.
    """
    env = _environment(build, data_dir)
    output = data_dir.with_name(f"{data_dir.name}.log")
    output.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with output.open("wb") as log:
        supervisor = subprocess.Popen(  # noqa: S603  # our own module
            [str(build.python), "-m", "deploy.local"],
            cwd=build.root,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for this process, which ends that one in order
        )
    try:
        _wait_until_ready(supervisor, output, build)
        yield Product(build, data_dir, env, supervisor.pid, time.monotonic() - started)
    finally:
        _end(supervisor)


@contextmanager
def all_running(builds: Sequence[Build], folder: Path) -> Iterator[list[Product]]:
    """Run several builds' products at once, started one after another."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(running(build, folder / f"data-{number}"))
            for number, build in enumerate(builds)
        ]


def run_python(build: Build, words: Sequence[str], env: dict[str, str]) -> str:
    """Run a build's own Python on something of it, and return what that prints.

    Raises:
        RuntimeError: it failed; the sentence ends with its last words.
    """
    done = subprocess.run(  # noqa: S603  # our own modules, no shell
        [str(build.python), *words], cwd=build.root, env=env, capture_output=True, check=False
    )
    if done.returncode != 0:
        said = (done.stdout + done.stderr).decode(errors="replace")
        raise RuntimeError(
            f"{build.name}: `{' '.join(words)}` failed. Its last words:\n{tail(said)}"
        )
    return done.stdout.decode().strip()


def ingest(product: Product, folder: Path) -> Imported:
    """Have a product take in a folder and wait until the last picture is indexed.

    Raises:
        RuntimeError: its command failed, or none of the pictures was indexed.
    """
    run_python(product.build, ["manage.py", "ingest", str(folder)], product.env)
    return read_end(product)


@contextmanager
def importing(product: Product, folder: Path) -> Iterator[Callable[[], bool]]:
    """Have a product take in a folder meanwhile; yields whether that still goes on.

    The block begins when the import has begun; afterwards it is waited for, so that the product
    idles again.

    Raises:
        RuntimeError: its command failed.
    """
    before = _last_import(product)
    output = product.data_dir.with_name(f"{product.data_dir.name}-ingest.log")
    with output.open("wb") as log:
        command = subprocess.Popen(  # noqa: S603  # our own command
            [str(product.build.python), "manage.py", "ingest", str(folder)],
            cwd=product.build.root,
            env=product.env,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        while command.poll() is None and _last_import(product) == before:
            time.sleep(_POLL_S)
        yield lambda: command.poll() is None
        if command.wait() != 0:
            raise RuntimeError(
                f"{product.build.name}: `manage.py ingest` failed. Its last words:\n"
                f"{tail(output.read_text(errors='replace'))}"
            )
    finally:
        if command.poll() is None:
            command.kill()
            command.wait()


def read_end(product: Product) -> Imported:
    """Return how many files of the last import were read and indexed, and in how many seconds.

    Raises:
        RuntimeError: none was indexed.
    """
    with closing(sqlite3.connect(product.database)) as connection:
        import_id, started, read, files = connection.execute(
            "SELECT id, created_at, finished_at, found FROM ingestion_import "
            "ORDER BY created_at DESC"
        ).fetchone()
        indexed, ended = connection.execute(
            "SELECT count(*), max(indexed_at) FROM catalog_image JOIN ingestion_import_images "
            "ON image_id = catalog_image.id WHERE import_id = ? AND status = 'indexed'",
            (import_id,),
        ).fetchone()
    if not indexed:
        raise RuntimeError(f"{product.build.name} indexed none of the pictures.")
    return Imported(indexed, _seconds(started, ended), files, _seconds(started, read))


def read_alone(build: Build, folder: Path, data_dir: Path) -> float:
    """Return how many files a second a build takes in while nobody indexes them.

    Args:
        build: whose command it is; no part of its product runs.
        folder: of at most INGEST_MAX_WAITING pictures.
        data_dir: for its catalogue, empty.

    Raises:
        RuntimeError: the command failed.
    """
    env = _environment(build, data_dir)
    data_dir.mkdir(parents=True)
    run_python(build, ["manage.py", "migrate"], env)
    run_python(build, ["manage.py", "ingest", str(folder), "--no-wait"], env)
    with closing(sqlite3.connect(data_dir / _DATABASE)) as connection:
        started, ended, files = connection.execute(
            "SELECT created_at, finished_at, found FROM ingestion_import"
        ).fetchone()
    return int(files) / _seconds(started, ended)


def _seconds(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def image_ids(product: Product) -> dict[str, str]:
    """Return the ids of a product's indexed images by their files' SHA-256."""
    with closing(sqlite3.connect(product.database)) as connection:
        rows = connection.execute("SELECT sha256, id FROM catalog_image WHERE status = 'indexed'")
        return {sha256: str(UUID(image_id)) for sha256, image_id in rows}


def tail(text: str) -> str:
    """Return the last lines of a text, indented."""
    return "\n".join(f"    {line}" for line in text.strip().splitlines()[-_TAIL_LINES:])


def _environment(build: Build, data_dir: Path) -> dict[str, str]:
    web_port, vectors_port = _free_ports(2)
    env = {name: value for name, value in os.environ.items() if name not in _NOT_HANDED_ON}
    return env | {
        "DATA_DIR": str(data_dir),
        "WEB_PORT": str(web_port),
        "VECTORS_PORT": str(vectors_port),
        "PYTHONPATH": f"{build.root / 'platform'}{os.pathsep}{build.root}",
    }


def _wait_until_ready(supervisor: subprocess.Popen[bytes], output: Path, build: Build) -> None:
    """Read what the supervisor says until all parts are up; it gives up by itself if one fails."""
    while True:
        has_ended = supervisor.poll() is not None
        said = output.read_text(errors="replace")
        if any(line.startswith(_READY) for line in said.splitlines()):
            return
        if has_ended:
            raise RuntimeError(
                f"The product of {build.name} did not come up. Its last words:\n{tail(said)}"
            )
        time.sleep(_POLL_S)


def _end(supervisor: subprocess.Popen[bytes]) -> None:
    """End a product in order; at once after another Ctrl-C, or when it takes too long."""
    supervisor.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
        supervisor.wait(_STOP_S)
    if supervisor.poll() is not None:
        return
    supervisor.send_signal(signal.SIGTERM)  # the second one has it kill what is left
    try:
        supervisor.wait(_KILL_S)
    except subprocess.TimeoutExpired:
        supervisor.kill()  # its guard ends its children
        supervisor.wait()


def _last_import(product: Product) -> str | None:
    with closing(sqlite3.connect(product.database)) as connection:
        row = connection.execute(
            "SELECT id FROM ingestion_import ORDER BY created_at DESC LIMIT 1"
        ).fetchone()
    return None if row is None else str(row[0])


def _free_ports(count: int) -> list[int]:
    """Return ports that nothing listens at, all different."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
