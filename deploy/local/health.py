"""Questions that tell whether a process does its work yet.

A `Health` makes a fresh `Probe` for every start of a process. A probe is one short try, of a few
seconds at most, and is asked again for as long as the process runs: True is well, False is not,
None that it cannot be asked, since what the question goes through is away. Celery is imported only
when a worker is asked, while the workers are importing it themselves.
"""

import http.client
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Probe = Callable[[], bool | None]
Health = Callable[[], Probe]

_ANSWER_S = 2.0
# A worker that listens answers in milliseconds; while none does, this is how long each look lasts.
_PING_S = 0.3
# One that works on all cores may take longer.
_PATIENT_PING_S = 2.0
_FIRST_ERROR_STATUS = 400


class Unhealthy(Exception):
    """The process answers, but can never do its work; the text says why."""


def alive() -> Probe:
    """Probe of a process that has no question to answer: running is enough."""
    return lambda: True


def touched_lately(path: Path, *, within_s: float) -> Health:
    """Healthy while a process touches the file ``path`` again and again."""

    def probe() -> bool:
        try:
            return time.time() - path.stat().st_mtime < within_s
        except FileNotFoundError:
            return False

    return lambda: probe


def http_answers(url: str, *, host: str | None = None) -> Health:
    """Healthy once a GET of ``url`` answers with a status below 400.

    ``host`` replaces the Host header, for a site that knows itself under other names only.
    """
    parts = urlsplit(url)
    headers = {} if host is None else {"Host": host}

    def probe() -> bool | None:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_ANSWER_S)
        try:
            connection.request("GET", parts.path or "/", headers=headers)
            # What answers does not hang, even where it says that its database is away.
            return connection.getresponse().status < _FIRST_ERROR_STATUS or None
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return lambda: probe


def broker_answers(path: Path) -> Health:
    """Healthy once the broker on the unix socket ``path`` has its data loaded."""

    def probe() -> bool:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(_ANSWER_S)
                connection.connect(str(path))
                connection.sendall(b"PING\r\n")
                # While it reads its file it answers "-LOADING …".
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False

    return lambda: probe


def worker_answers(broker_url: str, node: str, *, warm_up: str | None = None) -> Health:
    """Healthy once the Celery worker ``node`` answers a ping and has run its warm-up task.

    Args:
        broker_url: address of broker and result backend.
        node: full name of the worker, ``name@host``.
        warm_up: name of a task, which goes to this worker's own queue, or None.
    """
    return lambda: _WorkerProbe(broker_url, node, warm_up)


class _WorkerProbe:
    """Ping, then send the warm-up once and wait for its result, one short look at a time."""

    # A warm-up nobody waits for any more is not worth running.
    _expires_s = 600

    def __init__(self, broker_url: str, node: str, warm_up: str | None) -> None:
        self._broker_url = broker_url
        self._node = node
        self._warm_up = warm_up
        self._app: Any = None
        self._result: Any = None
        self._is_warm = warm_up is None

    def __call__(self) -> bool | None:
        from celery import Celery
        from kombu.exceptions import OperationalError
        from redis.exceptions import RedisError

        if self._app is None:
            self._app = Celery(broker=self._broker_url, backend=self._broker_url)
            # A broker that is stopped takes connections and says nothing.
            timeouts = {"socket_connect_timeout": _ANSWER_S, "socket_timeout": _ANSWER_S}
            self._app.conf.broker_transport_options = {**timeouts, "max_retries": 0}
            self._app.conf.redis_socket_timeout = _ANSWER_S
            self._app.conf.redis_socket_connect_timeout = _ANSWER_S
        try:
            return self._look()
        # RuntimeError: Celery's, where the broker goes while a result is waited for.
        except (OSError, OperationalError, RedisError, RuntimeError):
            return None

    def _look(self) -> bool:
        from celery.utils.nodenames import worker_direct

        if self._is_warm or self._result is None:
            patience = _PATIENT_PING_S if self._is_warm else _PING_S
            if not self._app.control.ping(destination=[self._node], timeout=patience):
                return False
            if self._is_warm or self._warm_up is None:
                return True
            self._result = self._app.send_task(
                self._warm_up, queue=worker_direct(self._node), expires=self._expires_s
            )
        if not self._result.ready():
            return False
        if self._result.failed():
            raise Unhealthy(f"its warm-up failed: {self._result.result}")
        self._is_warm = True
        return True
