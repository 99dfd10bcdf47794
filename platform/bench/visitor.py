"""A visitor of a site, who searches it with pictures and looks at the clock."""

import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from html.parser import HTMLParser
from http import HTTPStatus
from types import TracebackType
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx

_TIMEOUT_S = 120.0
_MS = 1000.0
# Where a site says that this address asks too often.
_MAX_REPEATS = 20

Wait = Literal["hits", "proofs"]


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a search.

    Attributes:
        first: id of the first hit's image, None without a hit.
        total_ms: from sending the picture to having the answer.
        is_complete: whether all copies were proved within the time that a search may take.
        model_ms: of these, in the models, as the site itself says; 0 where it does not.
    """

    first: str | None
    total_ms: float
    is_complete: bool
    model_ms: float


@dataclass(frozen=True, slots=True)
class SeenPage:
    """The page of an answer, as a person sees it.

    Attributes:
        headline: its first sentence.
        is_checked: whether all copies were proved within the time that a search may take.
        copies: how many the headline counts.
        proved: ids of the images that are marked as copies.
        total_ms: from sending the picture to having the page.
    """

    headline: str
    is_checked: bool
    copies: int
    proved: frozenset[str]
    total_ms: float


class Visitor(AbstractContextManager["Visitor"]):
    """One person with a connection to a site. Not for several threads at once."""

    def __init__(self, url: str, *, name: str | None = None) -> None:
        """Connect to a site.

        Args:
            url: its address.
            name: what errors call it; its address by default.

        Raises:
            RuntimeError: it does not answer, or answers with an error.
        """
        self._name = name or url
        self._client = httpx.Client(base_url=url, timeout=_TIMEOUT_S)
        try:
            self._checked("GET", "/")  # sets the CSRF cookie
        except RuntimeError:
            self._client.close()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self._client.close()

    def search(self, picture: bytes, *, wait: Wait = "proofs") -> Answer:
        """Search with a picture file.

        Args:
            picture: the file.
            wait: "hits" has the site answer before copies are proved. A build that does not know
                that answers when all is proved.

        Raises:
            RuntimeError: it does not answer, or answers with an error.
        """
        started = time.perf_counter()
        answer = self._checked(
            *("POST", "/"),
            params={} if wait == "proofs" else {"wait": wait},
            files={"picture": ("query.jpg", picture)},
            headers={
                "Accept": "application/json",
                "X-CSRFToken": self._client.cookies["csrftoken"],
                "Referer": str(self._client.base_url),
            },
        )
        total_ms = (time.perf_counter() - started) * _MS
        try:
            body = answer.json()
            hits = body["groups"][0]["hits"] if body["groups"] else []
            first = hits[0]["image_id"] if hits else None
        except (ValueError, KeyError, TypeError) as error:
            raise RuntimeError(
                f"{self._name} did not answer as a search does: {error!r}."
            ) from error
        is_complete = body.get("are_copies_checked") is True
        return Answer(first, total_ms, is_complete, body.get("model_ms", 0.0))

    def look(self, picture: bytes, *, wait: Wait = "proofs") -> SeenPage:
        """Search with a picture file as a person does, who is led to the page with the answer.

        Raises:
            RuntimeError: it does not answer, or answers with an error or without a headline.
        """
        started = time.perf_counter()
        answer = self._checked(
            *("POST", "/"),
            data={} if wait == "proofs" else {"wait": wait},
            files={"picture": ("query.jpg", picture)},
            headers={
                "Accept": "text/html",
                "X-CSRFToken": self._client.cookies["csrftoken"],
                "Referer": str(self._client.base_url),
            },
            follow_redirects=True,
        )
        total_ms = (time.perf_counter() - started) * _MS
        page = _PageReader()
        page.feed(answer.text)
        if page.state is None:
            raise RuntimeError(f"{self._name} answered without a headline.")
        return SeenPage(
            headline=page.headline.strip(),
            is_checked=page.state == "checked",
            copies=page.copies,
            proved=frozenset(page.proved),
            total_ms=total_ms,
        )

    def _checked(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            answer = self._client.request(method, path, **request)
            for _ in range(_MAX_REPEATS):
                wait_s = answer.headers.get("Retry-After", "")
                if answer.status_code != HTTPStatus.TOO_MANY_REQUESTS or not wait_s.isdecimal():
                    break
                time.sleep(int(wait_s))
                answer = self._client.request(method, path, **request)
        except httpx.HTTPError as error:
            raise RuntimeError(f"{self._name} does not answer: {error}.") from error
        if not answer.is_success:  # a redirection would lead to a log-in
            reason = _reason(answer)
            raise RuntimeError(f"{self._name} answered with {answer.status_code}: {reason}")
        return answer


class _PageReader(HTMLParser):
    """Reads what a page says first, and which images it marks as copies."""

    def __init__(self) -> None:
        super().__init__()
        self.headline, self.copies = "", 0
        self.state: str | None = None
        self.proved: set[str] = set()
        self._is_heading = False
        self._image_id = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at an element's attributes."""
        said = {name: value or "" for name, value in attrs}
        if "data-headline" in said:
            self.state, self.copies = said["data-headline"], int(said["data-copies"])
        if tag == "h1":
            self._is_heading = True
        if said.get("class") == "hit":
            self._image_id = urlsplit(said["href"]).path.strip("/").rpartition("/")[2]
        if "data-proved" in said:
            self.proved.add(self._image_id)

    def handle_endtag(self, tag: str) -> None:
        """Leave the heading."""
        if tag == "h1":
            self._is_heading = False

    def handle_data(self, data: str) -> None:
        """Take the heading's words."""
        if self._is_heading:
            self.headline += data


def _reason(answer: httpx.Response) -> str:
    """Return the sentence of an error that was answered as JSON, else what stands for its code."""
    if "json" in answer.headers.get("Content-Type", ""):
        error = answer.json().get("error")
        if isinstance(error, dict) and isinstance(error.get("sentence"), str):
            return str(error["sentence"])
    return answer.reason_phrase
