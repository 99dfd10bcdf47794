"""Addresses: one, or a text file with one a line."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import unquote

from ingestion.fetching import fetch, parse_address
from ingestion.sources.base import SourceFile, ending_with_its_error, shown
from ingestion.sources.lines import read_lines
from kernel.errors import UserInputError


@dataclass(frozen=True, slots=True)
class UrlSource:
    """The picture at one address."""

    url: str

    @property
    def name(self) -> str:
        """The address, without what follows a "?": pictures keep it as where they are from."""
        return shown(self.url.partition("?")[0])

    def check(self) -> None:
        """Refuse what is no address of a site.

        Raises:
            UserInputError: "fetch:user:not-http".
        """
        parse_address(self.url)

    def files(self, passed_over: Counter[str]) -> Iterator[SourceFile]:
        """Yield the one picture."""
        yield url_file(self.url)


@dataclass(frozen=True, slots=True)
class UrlListSource:
    """A text file, UTF-8, with an address a line; empty lines and "#…" are passed by."""

    path: Path

    @property
    def name(self) -> str:
        """The file's path."""
        return shown(self.path)

    def check(self) -> None:
        """Read the list to its end.

        Raises:
            UserInputError: as `read_lines`.
        """
        for _ in self._urls():
            pass

    def files(self, passed_over: Counter[str]) -> Iterator[SourceFile]:
        """Yield a file a line."""
        return ending_with_its_error(self.name, map(url_file, self._urls()))

    def _urls(self) -> Iterator[str]:
        for _, line in read_lines(self.path):
            url = line.strip()
            if url and not url.startswith("#"):
                yield url


def url_file(url: str) -> SourceFile:
    """Return the picture at an address; its path is the host and the path there, no more.

    What follows a "?" is left out: it may be a key that was meant for one reader.
    """
    try:
        address = parse_address(url)
        path = shown(unquote(f"{address.host}{address.path}")).rstrip("/")
    except UserInputError:  # reading it says so
        path = ""
    return SourceFile(
        name=shown(url),
        read=partial(fetch, url),
        path=path,
        is_name_binding=False,
        is_near=False,
    )
