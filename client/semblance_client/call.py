"""A request of the API, whoever sends it: what is sent, and what is made of the answer."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from uuid import UUID

import httpx

from semblance_client.decoding import decode
from semblance_client.errors import UnexpectedAnswer
from semblance_client.shapes import Page
from semblance_client.uploads import Upload

T = TypeVar("T")
Id = UUID | str
Parameters = Sequence[tuple[str, str]]

ROOT = "/api/v1"


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A request.

    Attributes:
        method: HTTP's.
        path: below the site's address.
        read: makes the answer of what came.
        params: of the address.
        json: the body, where it is JSON.
        upload: the files, where it is a form.
        headers: beside those of every request.
        is_repeatable: whether doing it twice is the same as doing it once.
    """

    method: str
    path: str
    read: Callable[[httpx.Response], T]
    params: Parameters = ()
    json: Any = None
    upload: Upload | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    is_repeatable: bool = True


def once() -> dict[str, str]:
    """Return the header that lets a POST be sent again: the site does it once."""
    return {"Idempotency-Key": uuid.uuid4().hex}


def only_if(etag: str) -> dict[str, str]:
    """Return the header that has the site write only what was read; "" is none."""
    return {"If-Match": etag} if etag else {}


def page_call(
    path: str, kind: type[T], cursor: str, limit: int | None, params: Parameters = ()
) -> Call[Page[T]]:
    """Return the request for a page of a list, below the API's root."""
    more = {"cursor": cursor, "limit": "" if limit is None else str(limit)}
    asked = [*params, *((name, value) for name, value in more.items() if value)]

    def read(response: httpx.Response) -> Page[T]:
        body = json_of(response)
        if not isinstance(body, dict):
            raise UnexpectedAnswer("the answer is no list")
        return Page(decode(list[kind], body.get("items")), body.get("next_cursor"))  # type: ignore[valid-type]

    return Call("GET", f"{ROOT}{path}", read, asked)


def reader(kind: type[T]) -> Callable[[httpx.Response], T]:
    """Return what makes an answer of this kind of what came."""
    return lambda response: decode(kind, json_of(response))


def json_of(response: httpx.Response) -> Any:
    """Return what came as JSON.

    Raises:
        UnexpectedAnswer: it is none.
    """
    try:
        return response.json()
    except (ValueError, RecursionError) as error:
        raise UnexpectedAnswer("the answer is no JSON: is this a Semblance?") from error


def json_or_none(response: httpx.Response) -> Any:
    """Return what came as JSON; None where nothing did."""
    return json_of(response) if response.content else None


def content_of(response: httpx.Response) -> bytes:
    """Return what came as it is."""
    return response.content


def nothing(response: httpx.Response) -> None:
    """Return that there is nothing to read."""
