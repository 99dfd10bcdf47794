"""``python -m vectors.edge --data DIR --host 127.0.0.1 --port N``: the embedded vector store.

Runs in the foreground until SIGTERM or SIGINT, then flushes and ends with 0. A folder or a port
that it cannot have ends it with 1 and one sentence.
"""

import argparse
import faulthandler
import ipaddress
import logging
import signal
import socket
import sys
from pathlib import Path
from types import FrameType

import uvicorn

from vectors.edge.app import build_app
from vectors.edge.errors import EdgeCannotStart
from vectors.edge.store import Store

logger = logging.getLogger(__name__)

_DEFAULT_PORT = 8331

# Longer than clients keep an idle connection (httpx: 5 s), so that none is closed under a request.
_KEEP_ALIVE_S = 75
# How long requests in progress may take to end before the process does.
_GRACE_S = 5


def main() -> None:
    """Serve until told to end."""
    arguments = _arguments()
    faulthandler.enable()  # a crash inside the engine leaves a trace of who called it
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # uvicorn takes both signals over while it serves and raises them again when it is done; before
    # and after that they mean this.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    try:
        serve(arguments.data, host=arguments.host, port=arguments.port)
    except EdgeCannotStart as err:
        sys.exit(f"vectors: {err}")


def serve(data: Path, *, host: str, port: int) -> None:
    """Open the data folder and answer requests on ``host:port`` until a signal arrives.

    Raises:
        CannotStart: the folder or the port cannot be had.
    """
    store = Store(data)
    store.open()
    listener = _listen(host, port)
    is_local = ipaddress.ip_address(host).is_loopback
    if not is_local:
        logger.warning("listening beyond this machine, without any authentication")
    config = uvicorn.Config(
        build_app(store, allowed_hosts=["localhost", host] if is_local else ["*"]),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
    )
    logger.info("serving", extra={"collections": store.names})
    uvicorn.Server(config).run(sockets=[listener])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m vectors.edge", description="vector store")
    parser.add_argument("--data", type=Path, required=True, help="folder that this process owns")
    parser.add_argument(
        "--host", type=_ip_address, default="127.0.0.1", help="address to listen on"
    )
    parser.add_argument("--port", type=int, default=_DEFAULT_PORT, help="port to listen on")
    return parser.parse_args()


def _ip_address(value: str) -> str:
    return str(ipaddress.ip_address("127.0.0.1" if value == "localhost" else value))


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; bound by us, so that a port in use is one sentence of ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, or asyncio leaves Nagle's algorithm on and every answer is 40 ms late.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except (OSError, OverflowError) as err:
        listener.close()
        raise EdgeCannotStart(f"Cannot listen on {host}:{port}: {err}.") from err
    return listener


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    main()
