"""What a search takes of its caller's share: one of so many, and the bytes that it keeps."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from django.http import HttpRequest

from site_http.limits import Limited, at_once, take


class CountedAs(StrEnum):
    """As what a search is counted: as many of each may be asked a minute."""

    SEARCH = ""
    SENT = "sent"  # it leads to its address, where it is counted as a search
    COMPARISON = "comparison"  # with one image, of which an answer has many


@contextmanager
def limited_search(request: HttpRequest, counted: CountedAs = CountedAs.SEARCH) -> Iterator[None]:
    """Count a search, and the files that came with it; they are kept for an hour.

    Raises:
        LimitReached: "limit:transient:…": the caller asks too much.
    """
    with at_once(request, Limited.SEARCHES):
        take(request, Limited.SEARCHES, apart=counted)
        files = (file for _, several in request.FILES.lists() for file in several)
        take_kept(request, sum(file.size or 0 for file in files))
        yield


def take_kept(request: HttpRequest, kept_bytes: int) -> None:
    """Count what a search keeps.

    Raises:
        LimitReached: "limit:transient:kept-bytes".
    """
    if kept_bytes:
        take(request, Limited.KEPT_BYTES, kept_bytes)
