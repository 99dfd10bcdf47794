"""A file that is fetched piece by piece, and goes on where a connection ended."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import IO

import httpx

from semblance_client.errors import UnexpectedAnswer
from semblance_client.uploads import Progress


@dataclass(slots=True)
class Download:
    """A file on its way; it gets its name once it is whole."""

    file: IO[bytes]
    progress: Progress | None
    have: int = 0
    total: int = 0
    etag: str = ""

    def headers(self) -> Mapping[str, str]:
        """Return what asks for the rest of the same file, as it is: its bytes are counted."""
        as_it_is = {"Accept-Encoding": "identity"}
        if not self.have or not self.etag:
            return as_it_is
        return {**as_it_is, "Range": f"bytes={self.have}-", "If-Range": self.etag}

    def begin(self, response: httpx.Response) -> None:
        """Make ready for what comes: the rest, or all of it anew.

        Raises:
            UnexpectedAnswer: it is another part than was asked for.
        """
        if response.status_code != HTTPStatus.PARTIAL_CONTENT:
            self.file.seek(0)
            self.file.truncate()
            self.have = self.total = 0
        elif not response.headers.get("Content-Range", "").startswith(f"bytes {self.have}-"):
            raise UnexpectedAnswer("another part of the file came than was asked for")
        self.etag = response.headers.get("ETag", "")
        length: str = response.headers.get("Content-Length", "")
        if length.isdecimal():
            self.total = self.have + int(length)

    def add(self, piece: bytes) -> None:
        """Keep a piece."""
        self.file.write(piece)
        self.have += len(piece)
        if self.progress is not None:
            self.progress(self.have, self.total)


@contextmanager
def downloading(to: Path, progress: Progress | None) -> Iterator[Download]:
    """Hold a download that becomes the file `to` when the block ends, and nothing if it fails."""
    part = to.with_name(f"{to.name}.part")
    try:
        with part.open("wb") as file:
            download = Download(file, progress)
            yield download
        if download.total and download.have != download.total:
            raise UnexpectedAnswer(f"{download.have} bytes of {download.total} came")
        part.replace(to)
    finally:
        part.unlink(missing_ok=True)
