"""Sites on loopback that answer as they are told, byte by byte."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Answer = Callable[[socket.socket, bytes], None]


class Site:
    """Answers every request with what its path stands for; `asked` are the requests' heads."""

    def __init__(self, answers: dict[str, Answer]) -> None:
        self._answers = answers
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ends = threading.Event()
        self.asked: list[bytes] = []
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def serve(self) -> None:
        while not self._ends.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def close(self) -> None:
        self._ends.set()
        self._listener.close()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):  # the client may be gone
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += connection.recv(65536) or b"\r\n\r\n"
            self.asked.append(head)
            path = head.split(b" ")[1].decode().partition("?")[0] if b" " in head else ""
            self._answers[path](connection, head)


@contextmanager
def site(answers: dict[str, Answer]) -> Iterator[Site]:
    running = Site(answers)
    threading.Thread(target=running.serve, daemon=True).start()
    try:
        yield running
    finally:
        running.close()


def body(data: bytes, status: str = "200 OK", **headers: str) -> Answer:
    """Answer with a body of the length that is said."""
    said = {"content_length": str(len(data)), "content_type": "text/html"} | headers
    return raw(_head(status, said) + data)


def redirect(target: str, status: str = "302 Found") -> Answer:
    return body(b"", status, location=target)


def raw(data: bytes) -> Answer:
    return lambda connection, _: connection.sendall(data)


def endless(*, says_length: bool, chunk: bytes = bytes(65536)) -> Answer:
    """Send for as long as the client listens."""

    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(_head("200 OK", {"content_length": "1000"} if says_length else {}))
        while True:
            connection.sendall(chunk)

    return answer


def trickle(start: bytes) -> Answer:
    """Send a byte at a time, each well before a reader loses its patience with the next."""

    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(b"x")
            time.sleep(0.05)

    return answer


def _head(status: str, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()
