"""Questions that tell whether a process does its work yet.

A `Health` makes a fresh `Probe` for every start of a process. A probe is one short try, at most a
second or so, and is asked again until it says True. Celery is imported only when a worker is asked,
while the workers are importing it themselves.
"""

import http.client
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Probe = Callable[[], bool]
Health = Callable[[], Probe]

_ANSWER_S = 1.0
# A worker that listens answers in milliseconds; while none does, this is how long each look lasts.
_PING_S = 0.3
_FIRST_ERROR_STATUS = 400


class Unhealthy(Exception):
    """The process answers, but can never do its work; the text says why."""


def alive() -> Probe:
    """Probe of a process that has no question to answer: running is enough."""
    return lambda: True


def http_answers(url: str, *, host: str | None = None) -> Health:
    """Healthy once a GET of ``url`` answers with a status below 400.

    ``host`` replaces the Host header, for a site that knows itself under other names only.
    """
    parts = urlsplit(url)
    headers = {} if host is None else {"Host": host}

    def probe() -> bool:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_ANSWER_S)
        try:
            connection.request("GET", parts.path or "/", headers=headers)
            return connection.getresponse().status < _FIRST_ERROR_STATUS
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


def worker_answers(broker_url: str, node: str, *, warm_up: tuple[str, str] | None = None) -> Health:
    """Healthy once the Celery worker ``node`` answers a ping and has run its warm-up task.

    Args:
        broker_url: address of broker and result backend.
        node: full name of the worker, ``name@host``.
        warm_up: name of a task and the queue it goes to, or None.
    """
    return lambda: _WorkerProbe(broker_url, node, warm_up)


class _WorkerProbe:
    """Ping, then send the warm-up once and wait for its result, one short look at a time."""

    # A warm-up nobody waits for any more is not worth running.
    _expires_s = 600

    def __init__(self, broker_url: str, node: str, warm_up: tuple[str, str] | None) -> None:
        self._broker_url = broker_url
        self._node = node
        self._warm_up = warm_up
        self._app: Any = None
        self._result: Any = None

    def __call__(self) -> bool:
        from celery import Celery
        from kombu.exceptions import OperationalError
        from redis.exceptions import RedisError

        if self._app is None:
            self._app = Celery(broker=self._broker_url, backend=self._broker_url)
        try:
            return self._look()
        except (OSError, OperationalError, RedisError):
            return False

    def _look(self) -> bool:
        if self._result is None:
            if not self._app.control.ping(destination=[self._node], timeout=_PING_S):
                return False
            if self._warm_up is None:
                return True
            task, queue = self._warm_up
            self._result = self._app.send_task(task, queue=queue, expires=self._expires_s)
        if not self._result.ready():
            return False
        if self._result.failed():
            raise Unhealthy(f"its warm-up failed: {self._result.result}")
        return True
