"""How the site meets its clients: nobody who sends or reads slowly holds a thread.

gunicorn keeps the processes. In each of them waitress reads requests and sends answers, hundreds
side by side, and a thread works on a request only when all of it has come (docs/adr/0019). A body
that is longer than its address takes is not kept: the site refuses the request without it.
"""

import os
import socket
import time
from contextlib import suppress
from typing import Any, Final

from gunicorn.workers.base import Worker
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import BaseWSGIServer, create_server

from config.env import read_env
from site_http.bodies import max_body_bytes

# Of each process; a connection costs it little, and a file where its body is long.
_CONNECTIONS: Final = 500
# Silence after which a connection is closed, kept alive or half sent.
_SILENCE_S: Final = 30
_HEADER_BYTES: Final = 64 * 1024
# Answers are handed over whole, the longest an original picture: on disk beyond a megabyte.
_ANSWER_BYTES: Final = 2**40
# A client that goes on sending what was refused is listened to, or it never reads the answer.
_DRAINED_BYTES: Final = 64 * 1024 * 1024
_TICK_S: Final = 1.0
_LAST_TICK_S: Final = 0.1


class _BufferedRequest(HTTPRequestParser):
    """A request as it comes; `is_refused` once its body is longer than its address takes."""

    is_refused = False
    body_rcv: Any = None
    _limit = 0

    def received(self, data: bytes) -> int:
        """Take in what came; return how many of its bytes belong to this request."""
        taken: int = super().received(data)
        if self.chunked and not self.completed and self.body_bytes_received > self._limit:
            self.body_rcv.getbuf().close()
            self._refuse(self.body_bytes_received)
        return len(data) if self.is_refused else taken

    def parse_header(self, header_plus: bytes) -> None:
        """Read the header; a length beyond the limit is enough to refuse by."""
        super().parse_header(header_plus)
        self._limit = max_body_bytes(self.path)
        if self.content_length > self._limit:
            self._refuse(self.content_length)

    def _refuse(self, length: int) -> None:
        """Hand the request on without its body: the site answers by the length that it names."""
        self.is_refused = self.completed = True
        self.body_rcv, self.content_length, self.expect_continue = None, 0, False
        self.headers |= {"CONTENT_LENGTH": str(length), "CONNECTION": "close"}


class _Connection(HTTPChannel):
    """A client; one whose body was refused may send on for a while, for nobody."""

    parser_class = _BufferedRequest
    _has_refused = False
    _drained: int | None = None

    def received(self, data: bytes) -> bool:
        """Take in what came."""
        if self._drained is not None:
            self._drained += len(data)
            self.will_close = self._drained > _DRAINED_BYTES
            return False
        taken: bool = super().received(data)
        self._has_refused = any(request.is_refused for request in self.requests)
        return taken

    def handle_close(self) -> None:
        """Close; what is closed on a client that still sends is reset, and its answer lost."""
        if self.connected and self._has_refused and self._drained is None:
            self.will_close, self._drained = False, 0
            with suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)
            return
        super().handle_close()


class BufferingWorker(Worker):
    """A process of gunicorn's in which waitress serves."""

    def run(self) -> None:
        """Serve until told to stop, or left by gunicorn; then finish what has begun."""
        connections: dict[int, Any] = {}
        create_server(
            self.wsgi,
            map=connections,
            sockets=[listener.sock for listener in self.sockets],
            threads=self.cfg.threads,
            connection_limit=_CONNECTIONS,
            channel_timeout=_SILENCE_S,
            cleanup_interval=5,
            max_request_header_size=_HEADER_BYTES,
            # Each address has a limit of its own (`_BufferedRequest`).
            max_request_body_size=2**63,
            outbuf_high_watermark=_ANSWER_BYTES,
            ident=None,
            log_socket_errors=False,
            **_proxy(),
        )
        servers = [each for each in connections.values() if isinstance(each, BaseWSGIServer)]
        for server in servers:
            server.channel_class = _Connection
        while self.alive and os.getppid() == self.ppid:
            self._tick(connections, _TICK_S)
        for server in servers:
            server.accepting = False
        ends_at = time.monotonic() + self.cfg.graceful_timeout
        while _is_busy(servers) and time.monotonic() < ends_at:
            self._tick(connections, _LAST_TICK_S)
        servers[0].task_dispatcher.shutdown(cancel_pending=True, timeout=1)
        wasyncore.close_all(connections)

    def _tick(self, connections: dict[int, Any], timeout_s: float) -> None:
        self.notify()
        wasyncore.loop(timeout=timeout_s, use_poll=True, map=connections, count=1)


def _is_busy(servers: list[BaseWSGIServer]) -> bool:
    return any(
        connection.requests or connection.total_outbufs_len
        for server in servers
        for connection in server.active_channels.values()
    )


def _proxy() -> dict[str, object]:
    """Return which proxy may say who the client is; nobody may, where none is named."""
    proxy = read_env().web.trusted_proxy
    if proxy is None:
        return {}
    headers = {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"}
    return {"trusted_proxy": proxy, "trusted_proxy_headers": headers}
