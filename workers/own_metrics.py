"""`/metrics` of a worker, for a machine on which no site shows what it counts."""

import logging
import os
import threading
from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

from metrics.exposition import CONTENT_TYPE, exposed, is_allowed, memory
from metrics.process_files import ProcessFiles
from metrics.processes import product_memory

logger = logging.getLogger(__name__)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True  # nobody waits for a slow reader when the worker ends


class _Handler(WSGIRequestHandler):
    timeout = 5.0  # of a reader that says nothing

    def log_message(self, format: str, *args: Any) -> None:  # http.server's name
        """Say nothing: it is read every few seconds."""


def listen(host: str, port: int, *, folder: Path, token: str) -> WSGIServer | None:
    """Answer whoever bears the token, from a thread; return None where the port is taken.

    It is called in a worker's parent, after its children were forked, and counts nothing itself.

    Args:
        host: to listen on.
        port: there.
        folder: in which this machine's processes count.
        token: of at least one character.
    """

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        status, body = HTTPStatus.OK, b""
        if environ["PATH_INFO"] != "/metrics":
            status = HTTPStatus.NOT_FOUND
        elif not is_allowed(environ.get("HTTP_AUTHORIZATION", ""), token):
            status = HTTPStatus.UNAUTHORIZED
        else:
            processes = product_memory(os.getpid())
            body = exposed([*ProcessFiles(folder).collect(), memory(processes)])
        headers = [("Content-Type", CONTENT_TYPE), ("Content-Length", str(len(body)))]
        start_response(f"{status.value} {status.phrase}", headers)
        return [body]

    try:
        server = make_server(host, port, answer, server_class=_Server, handler_class=_Handler)
    except OSError as error:
        logger.warning("figures are not shown", extra={"reason": str(error)})
        return None
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server
