"""Files that are sent: read piece by piece while they travel, and again for another try."""

import io
import mimetypes
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import IO, cast

Picture = str | PathLike[str] | bytes | IO[bytes]
Progress = Callable[[int, int], None]
FormFile = tuple[str, tuple[str, IO[bytes], str]]

# What comes without a place in it, such as a pipe, is kept on disk beyond this.
_IN_MEMORY_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """Files of a form.

    Attributes:
        pictures: the field of each, and a path, bytes, or a file that is open for reading, which
            stays open.
        name: of bytes, and instead of a single file's own.
        progress: is told the bytes of all files that have been read, and how many there are.
    """

    pictures: Sequence[tuple[str, Picture]]
    name: str = ""
    progress: Progress | None = None

    @contextmanager
    def opened(self) -> Iterator[list[FormFile]]:
        """Hold the files open at their beginning, as httpx takes them.

        Raises:
            OSError: one cannot be read.
        """
        with ExitStack() as stack:
            files = [stack.enter_context(_opened(each)) for _, each in self.pictures]
            watch = _Watch(sum(map(_size, files)), self.progress)
            yield [
                (field, self._form_file(picture, file, watch))
                for (field, picture), file in zip(self.pictures, files, strict=True)
            ]

    def _form_file(
        self, picture: Picture, file: IO[bytes], watch: "_Watch"
    ) -> tuple[str, IO[bytes], str]:
        name = self.name or name_of(picture)
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return name, cast(IO[bytes], _WatchedFile(file, watch)), kind


def name_of(picture: Picture) -> str:
    """Return a picture's file name; "picture" where it has none."""
    path = picture if isinstance(picture, str | PathLike) else getattr(picture, "name", "")
    name = Path(fspath(path)).name if isinstance(path, str | PathLike) else ""
    return name or "picture"


@contextmanager
def _opened(picture: Picture) -> Iterator[IO[bytes]]:
    if isinstance(picture, bytes):
        yield io.BytesIO(picture)
    elif isinstance(picture, str | PathLike):
        with Path(picture).open("rb") as file:
            yield file
    elif picture.seekable():
        picture.seek(0)
        yield picture
    else:
        with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as kept:
            shutil.copyfileobj(picture, kept)
            kept.seek(0)
            yield kept


def _size(file: IO[bytes]) -> int:
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    return size


class _Watch:
    """Counts what is read of all files of a form."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total = total
        self._progress = progress
        self._read: dict[int, int] = {}

    def tell(self, file: int, read: int) -> None:
        self._read[file] = read
        if self._progress is not None and read:
            self._progress(sum(self._read.values()), self._total)


class _WatchedFile:
    """A file that tells how far it is read; another try begins it anew."""

    def __init__(self, file: IO[bytes], watch: _Watch) -> None:
        self._file = file
        self._watch = watch

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        if data:
            self._watch.tell(id(self), self._file.tell())
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        at = self._file.seek(offset, whence)
        if whence == io.SEEK_SET and not offset:
            self._watch.tell(id(self), 0)
        return at

    def tell(self) -> int:
        return self._file.tell()
