"""How requests are sent to a site, awaited: again where that helps, files piece by piece."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
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


class AwaitedSending:
    """A site that requests are sent to, and awaited from.

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
        transport: httpx.AsyncBaseTransport | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._http = httpx.AsyncClient(transport=transport, **settings_of(url, token, timeout_s))
        self._retries = retries or Retries()
        self._pause = pause

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def _all(self, page_at: Callable[[str], Call[Page[T]]]) -> AsyncIterator[T]:
        cursor: str | None = ""
        while cursor is not None:
            page = await self._run(page_at(cursor))
            for each in page.items:
                yield each
            cursor = page.next_cursor

    async def _run(self, call: Call[T]) -> T:
        with ExitStack() as stack:
            files = stack.enter_context(call.upload.opened()) if call.upload else []
            attempt = 1
            while True:
                try:
                    return call.read(await self._answer(call, files))
                except (ApiError, httpx.TransportError) as error:
                    await self._wait(call, error, attempt)
                attempt += 1

    async def _answer(self, call: Call[Any], files: Sequence[FormFile]) -> httpx.Response:
        response = await self._http.send(self._http.build_request(**arguments_of(call, files)))
        failure = failure_of(response)
        if failure is not None:
            raise failure
        return response

    async def _download(self, call: Call[bytes], download: Download) -> None:
        attempt = 1
        while True:
            had = download.have
            try:
                await self._fetch(call, download)
            except (ApiError, httpx.TransportError) as error:
                attempt = 1 if download.have > had else attempt
                await self._wait(call, error, attempt)
            else:
                return
            attempt += 1

    async def _fetch(self, call: Call[bytes], download: Download) -> None:
        arguments = arguments_of(call, [])
        arguments["headers"] |= download.headers()
        async with self._http.stream(**arguments) as response:
            if not response.is_success:
                await response.aread()
            failure = failure_of(response)
            if failure is not None:
                raise failure
            download.begin(response)
            async for piece in response.aiter_bytes():
                download.add(piece)

    async def _wait(
        self, call: Call[Any], error: ApiError | httpx.TransportError, attempt: int
    ) -> None:
        pause_s = self._retries.pause_after(
            error, attempt=attempt, is_repeatable=call.is_repeatable
        )
        if pause_s is None:
            if isinstance(error, httpx.TransportError):
                raise unreachable(error) from error
            raise error
        log_retry(call, error, pause_s)
        await self._pause(pause_s)
