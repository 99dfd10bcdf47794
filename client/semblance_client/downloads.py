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
        """Return what asks for the rest of the same file."""
        if not self.have or not self.etag:
            return {}
        return {"Range": f"bytes={self.have}-", "If-Range": self.etag}

    def begin(self, response: httpx.Response) -> None:
        """Make ready for what comes: the rest, or all of it anew."""
        if response.status_code != HTTPStatus.PARTIAL_CONTENT:
            self.file.seek(0)
            self.file.truncate()
            self.have = 0
        self.etag = response.headers.get("ETag", "")
        self.total = self.have + int(response.headers.get("Content-Length", 0))

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
