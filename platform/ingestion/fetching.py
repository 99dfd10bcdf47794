"""The one client that calls what somebody names: no address inside the network, no end of bytes.

The address is checked where it is connected to, after names are resolved, so that no name that is
resolved twice, no redirect and no way of writing an address leads past it. Proxies that the
environment names are not used: they would connect unchecked.
"""

import re
import socket
import ssl
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

import httpcore
import httpx
from django.conf import settings

from catalog.validation import check_size
from kernel.errors import UserInputError

MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OK = 200
_HOST = re.compile(rb"[A-Za-z0-9._:-]+")
_MAX_PORT = 65_535
# Translates to the IPv4 address in its last 32 bits (RFC 6052).
_NAT64 = IPv6Network("64:ff9b::/96")
_HEADERS = [
    ("User-Agent", "Semblance"),
    # What is packed is not unpacked here: it could grow a thousandfold.
    ("Accept-Encoding", "identity"),
    ("Connection", "close"),
]


@dataclass(frozen=True, slots=True)
class _Deadline:
    """The moment by which all of a call has to be done."""

    at_s: float  # as time.monotonic()
    timeout_s: float  # so long it was, at first

    @classmethod
    def after(cls, timeout_s: float) -> "_Deadline":
        """Return the one that is so far away."""
        return cls(time.monotonic() + timeout_s, timeout_s)

    def left_s(self) -> float:
        """Return how long is left; more than 0.

        Raises:
            UserInputError: "fetch:user:too-slow".
        """
        left_s = self.at_s - time.monotonic()
        if left_s <= 0:
            raise UserInputError("fetch:user:too-slow", timeout_s=round(self.timeout_s))
        return left_s


def fetch(url: str, *, timeout_s: float | None = None) -> bytes:
    """Return what is at an address, at most UPLOAD_MAX_BYTES.

    What kind of thing the server calls it is not looked at.

    Args:
        url: the address.
        timeout_s: of all of it, redirects and all; None is FETCH_TIMEOUT_S.

    Raises:
        UserInputError: "fetch:user:…": not-http, forbidden-address, unreachable, too-slow, status,
            too-many-redirects, broken; "image:user:empty-file", "image:user:too-large".
    """
    deadline = _Deadline.after(settings.FETCH_TIMEOUT_S if timeout_s is None else timeout_s)
    address = parse_address(url)
    for _ in range(MAX_REDIRECTS + 1):
        answer = _ask(address, deadline)
        if isinstance(answer, bytes):
            check_size(len(answer))
            return answer
        address = answer
    raise UserInputError("fetch:user:too-many-redirects", max_redirects=MAX_REDIRECTS)


def post(url: str, body: bytes, *, headers: Sequence[tuple[str, str]], timeout_s: float) -> int:
    """Send something to an address; return the status of the answer, which is not read.

    Redirects are not followed: their status is what the answer has.

    Raises:
        UserInputError: "fetch:user:…": not-http, forbidden-address, unreachable, too-slow, broken.
    """
    deadline = _Deadline.after(timeout_s)
    request = _request("POST", parse_address(url), headers=headers, content=body)
    with _failures_translated(deadline), _connections(deadline) as connections:
        response = connections.handle_request(request)
        response.close()
    return response.status


def parse_address(url: str) -> httpx.URL:
    """Return a web address, parsed; one that carries a name and password is none of ours.

    Raises:
        UserInputError: "fetch:user:not-http".
    """
    try:
        address = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise UserInputError("fetch:user:not-http") from error
    is_web = address.scheme in {"http", "https"} and not address.userinfo
    is_port = address.port is None or 0 < address.port <= _MAX_PORT
    if not (is_web and is_port and _HOST.fullmatch(address.raw_host)):
        raise UserInputError("fetch:user:not-http")
    return address


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Return whether anybody on the internet means the same machine by an address.

    An IPv6 address that carries one of IPv4 is public if both are.
    """
    special = (
        address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_reserved
        or address.is_unspecified
    )
    if isinstance(address, IPv4Address):
        return address.is_global and not special
    if address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    if address.sixtofour is not None and not is_public(address.sixtofour):
        return False
    # A Teredo address names a server and a client, and the client is behind anything.
    return address.teredo is None and address.is_global and not (special or address.is_site_local)


def _is_allowed(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    # Networks of the other version contain no address of this one.
    return is_public(address) or any(address in each for each in settings.FETCH_ALLOWED_NETWORKS)


def _ask(address: httpx.URL, deadline: _Deadline) -> bytes | httpx.URL:
    """Return what is at an address, or the one that it leads to."""
    request = _request("GET", address, headers=[("Accept", "image/*")])
    with _failures_translated(deadline), _connections(deadline) as connections:
        response = connections.handle_request(request)
        try:
            return _body_or_redirect(response, address)
        finally:
            response.close()


def _request(
    method: str,
    address: httpx.URL,
    *,
    headers: Sequence[tuple[str, str]],
    content: bytes | None = None,
) -> httpcore.Request:
    length = [] if content is None else [("Content-Length", str(len(content)))]
    return httpcore.Request(
        method,
        httpcore.URL(
            scheme=address.raw_scheme,
            host=address.raw_host,
            port=address.port,
            target=address.raw_path,
        ),
        headers=[("Host", address.netloc.decode("ascii")), *_HEADERS, *headers, *length],
        content=content,
    )


def _body_or_redirect(response: httpcore.Response, address: httpx.URL) -> bytes | httpx.URL:
    headers = {name.lower(): value for name, value in response.headers}
    if response.status in _REDIRECTS and b"location" in headers:
        try:
            return parse_address(str(address.join(headers[b"location"].decode("latin-1"))))
        except (httpx.InvalidURL, ValueError) as error:
            raise UserInputError("fetch:user:not-http") from error
    if response.status != _OK:
        raise UserInputError("fetch:user:status", status=response.status)
    promised = headers.get(b"content-length", b"")
    if promised.isdigit():
        check_size(int(promised))
    data = bytearray()
    for chunk in response.iter_stream():
        data += chunk
        if len(data) > settings.UPLOAD_MAX_BYTES:
            check_size(len(data))
    return bytes(data)


@contextmanager
def _failures_translated(deadline: _Deadline) -> Iterator[None]:
    try:
        yield
    except httpcore.TimeoutException as error:
        seconds = round(deadline.timeout_s)
        raise UserInputError("fetch:user:too-slow", timeout_s=seconds) from error
    except httpcore.ConnectError as error:
        raise UserInputError("fetch:user:unreachable", reason=str(error)) from error
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise UserInputError("fetch:user:broken", reason=str(error)) from error


def _connections(deadline: _Deadline) -> httpcore.ConnectionPool:
    return httpcore.ConnectionPool(
        ssl_context=_tls(), network_backend=_CheckedNetwork(deadline), max_connections=1, retries=0
    )


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()


class _CheckedNetwork(httpcore.NetworkBackend):
    """Connects to addresses that are allowed, and to nothing else, until a deadline."""

    def __init__(self, deadline: _Deadline) -> None:
        self._deadline = deadline
        self._network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Resolve the name and connect to the first address that is allowed and answers."""
        found = _resolve(host, port, self._deadline)
        allowed = [each for each in found if _is_allowed(ip_address(each))]
        if not allowed:
            raise UserInputError("fetch:user:forbidden-address", host=host)
        for number, each in enumerate(allowed, 1):
            left_s = self._deadline.left_s()
            # One that does not answer leaves time for the next.
            patience_s = left_s if number == len(allowed) else left_s / 2
            try:
                stream = self._network.connect_tcp(each, port, timeout=patience_s)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if number == len(allowed):
                    raise
            else:
                return _TimedStream(stream, self._deadline)
        raise AssertionError("unreachable")


class _TimedStream(httpcore.NetworkStream):
    """A connection of which every read and write ends with the deadline, however little comes."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left_s())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left_s())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left_s = self._deadline.left_s()
        return _TimedStream(
            self._stream.start_tls(ssl_context, server_hostname, left_s), self._deadline
        )

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _resolve(host: str, port: int, deadline: _Deadline) -> list[str]:
    """Return the addresses of a name, in the order to try them.

    The system's resolver cannot be interrupted, so it is asked in a thread that may outlive us.
    """
    answers: SimpleQueue[list[str] | OSError] = SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, ValueError) as error:  # ValueError: a name that no resolver takes
            answers.put(error if isinstance(error, OSError) else OSError(str(error)))
        else:
            answers.put(list(dict.fromkeys(str(each[4][0]) for each in found)))

    Thread(target=ask, daemon=True, name="resolver").start()
    try:
        answer = answers.get(timeout=deadline.left_s())
    except Empty:
        deadline.left_s()
        raise
    if isinstance(answer, OSError):
        raise UserInputError("fetch:user:unreachable", reason=str(answer)) from answer
    return answer
