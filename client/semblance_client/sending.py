"""How requests are sent to a site: again where that helps, files piece by piece."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, Self, TypeVar

import httpx

from semblance_client.call import Call
from semblance_client.downloads import Download
from semblance_client.errors import ApiError
from semblance_client.exchange import (
    arguments_of,
    failure_of,
    log_retry,
    settings_of,
    unreachable,
)
from semblance_client.retries import Retries
from semblance_client.shapes import Page
from semblance_client.uploads import FormFile

T = TypeVar("T")


class Sending:
    """A site that requests are sent to.

    Args:
        url: the site's address, such as https://pictures.example.org.
        token: made in the site's admin; None asks as a visitor.
        timeout_s: of connecting, sending or reading a piece, not of a whole answer.
        retries: how often a request is sent again, and after which pauses.
        transport: how httpx sends; None is over the network.
        pause: waits for so many seconds.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        timeout_s: float = 60.0,
        retries: Retries | None = None,
        transport: httpx.BaseTransport | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._http = httpx.Client(transport=transport, **settings_of(url, token, timeout_s))
        self._retries = retries or Retries()
        self._pause = pause

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def _all(self, page_at: Callable[[str], Call[Page[T]]]) -> Iterator[T]:
        cursor: str | None = ""
        while cursor is not None:
            page = self._run(page_at(cursor))
            yield from page.items
            cursor = page.next_cursor

    def _run(self, call: Call[T]) -> T:
        with ExitStack() as stack:
            files = stack.enter_context(call.upload.opened()) if call.upload else []
            attempt = 1
            while True:
                try:
                    return call.read(self._answer(call, files))
                except (ApiError, httpx.TransportError) as error:
                    self._wait(call, error, attempt)
                attempt += 1

    def _answer(self, call: Call[Any], files: Sequence[FormFile]) -> httpx.Response:
        response = self._http.send(self._http.build_request(**arguments_of(call, files)))
        failure = failure_of(response)
        if failure is not None:
            raise failure
        return response

    def _download(self, call: Call[bytes], download: Download) -> None:
        attempt = 1
        while True:
            had = download.have
            try:
                self._fetch(call, download)
            except (ApiError, httpx.TransportError) as error:
                attempt = 1 if download.have > had else attempt
                self._wait(call, error, attempt)
            else:
                return
            attempt += 1

    def _fetch(self, call: Call[bytes], download: Download) -> None:
        arguments = arguments_of(call, [])
        arguments["headers"] |= download.headers()
        with self._http.stream(**arguments) as response:
            if not response.is_success:
                response.read()
            failure = failure_of(response)
            if failure is not None:
                raise failure
            download.begin(response)
            for piece in response.iter_bytes():
                download.add(piece)

    def _wait(self, call: Call[Any], error: ApiError | httpx.TransportError, attempt: int) -> None:
        pause_s = self._retries.pause_after(
            error, attempt=attempt, is_repeatable=call.is_repeatable
        )
        if pause_s is None:
            if isinstance(error, httpx.TransportError):
                raise unreachable(error) from error
            raise error
        log_retry(call, error, pause_s)
        self._pause(pause_s)
