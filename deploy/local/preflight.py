"""What must be true before anything is started, each with one sentence where it is not."""

import errno
import os
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from config.env import Env
from deploy.local.errors import CannotStart

MEBIBYTE = 1024 * 1024
_PRIVATE, _OF_OTHERS = 0o700, 0o007
# The databases and the logs of a first start take some 50 MiB; the rest is room to work in.
MIN_FREE_BYTES = 500 * MEBIBYTE

# A part that was just started on another machine gets this long to listen.
_REACH_S = 10.0
_REACH_TRY_S = 2.0
_RETRY_S = 0.5
_DEFAULT_PORTS = {
    "http": 80,
    "https": 443,
    "redis": 6379,
    "rediss": 6379,
    "amqp": 5672,
    "postgres": 5432,
    "postgresql": 5432,
}


def check(env: Env) -> None:
    """Look at everything that commonly stops a start.

    Raises:
        CannotStart: names the first thing that is wrong and the way out.
    """
    check_data_dir(env.data_dir)
    check_port(env.web.host, env.web.port, variable="WEB_PORT")
    if env.vectors.is_embedded:
        check_port("127.0.0.1", env.vectors.port, variable="VECTORS_PORT")
    for variable, url in _other_machines(env):
        check_reachable(url, variable=variable)


def check_data_dir(path: Path, *, min_free_bytes: int = MIN_FREE_BYTES) -> None:
    """Make the data folder where missing, for this account alone.

    Raises:
        CannotStart: it cannot be filled, or other accounts can read it and it is not ours to close.
    """
    probe = path / ".writable"
    try:
        path.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
        _close_to_others(path)
    except OSError as error:
        raise CannotStart(
            f"The data folder {path} cannot be written to ({error.strerror}); "
            "choose another with DATA_DIR=/some/folder."
        ) from None
    free_bytes = shutil.disk_usage(path).free
    if free_bytes < min_free_bytes:
        raise CannotStart(
            f"Only {free_bytes // MEBIBYTE} MiB are free for {path}, and at least "
            f"{min_free_bytes // MEBIBYTE} MiB are needed; make room or choose another DATA_DIR."
        )


def _close_to_others(path: Path) -> None:
    """Leave a folder to its owner: the database in it holds passwords' hashes."""
    found = path.stat()
    if found.st_uid == os.getuid():
        path.chmod(_PRIVATE)
    elif found.st_mode & _OF_OTHERS:
        raise CannotStart(
            f"The data folder {path} belongs to another account and is open to all of them: "
            f"`chmod o-rwx {path}`, or choose another with DATA_DIR=/some/folder."
        )


def check_port(host: str, port: int, *, variable: str) -> None:
    """Raise `CannotStart` unless a server could listen there now."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            # Connections that a server closed a moment ago do not count as use.
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
            trial.listen()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            sentence = f"Port {port} on {host} is in use"
        else:
            sentence = f"Port {port} on {host} cannot be used ({error.strerror})"
        raise CannotStart(
            f"{sentence}; choose another with {variable}={_other_port(port)}."
        ) from None


def check_reachable(url: str, *, variable: str, wait_s: float = _REACH_S) -> None:
    """Raise `CannotStart` unless something listens at the address that ``url`` names."""
    parts = urlsplit(url)
    port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    if parts.hostname is None or port is None:
        return  # a file or a socket: whoever opens it says more
    deadline = time.monotonic() + wait_s
    while True:
        try:
            socket.create_connection((parts.hostname, port), timeout=_REACH_TRY_S).close()
        except OSError as error:
            if time.monotonic() >= deadline:
                # Not the address itself: it may hold a password.
                raise CannotStart(
                    f"Nothing answers at {parts.hostname}:{port}, which {variable} names ({error})."
                ) from None
            time.sleep(_RETRY_S)
        else:
            return


def _other_port(port: int) -> int:
    # Ports below 1024 need root on most systems.
    return port + 1 if os.getuid() == 0 or port >= 1024 else 8000 + port  # noqa: PLR2004


def _other_machines(env: Env) -> Iterator[tuple[str, str]]:
    if env.database.database_url is not None:
        yield "DATABASE_URL", env.database.database_url.get_secret_value()
    if env.queue.broker_url is not None:
        yield "BROKER_URL", env.queue.broker_url.get_secret_value()
    if env.vectors.qdrant_url is not None:
        yield "QDRANT_URL", env.vectors.qdrant_url
    if env.storage.s3_endpoint_url is not None:
        yield "S3_ENDPOINT_URL", env.storage.s3_endpoint_url
