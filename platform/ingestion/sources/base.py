"""What every source is: files by name, read one at a time."""

import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NoReturn, Protocol
from unicodedata import category

from django.conf import settings

from catalog.services import ImageMetadata
from catalog.validation import check_size
from kernel.errors import UserInputError
from ml.rules.file_types import is_hidden, kind_passed_over

# Control characters, ends of lines and halves of characters that no encoding holds.
_UNSHOWN = frozenset({"Cc", "Cs", "Zl", "Zp"})
# What turns the direction of the text that follows.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


_NOTHING = ImageMetadata()


def _no_sidecar() -> None:
    return None


def _unknown_size() -> None:
    return None


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file that promises to be a picture.

    `read` returns its bytes, at most UPLOAD_MAX_BYTES, and raises UserInputError where it cannot;
    it may be called again, and after the next file was asked for. `path` is the relative path in
    the source, "/" between folders, "" where there is none; `metadata` is what the source says.
    `read_sidecar` returns the XMP file beside it, None where there is none that can be read.
    `is_name_binding` is False where the name's ending promises nothing, as that of an address.
    `size` returns how many bytes `read` will, where that is known without reading; `is_near` is
    False where reading fetches it from another machine.
    `is_all_said` is True where `metadata` is all that there is to say, as in our own exports: what
    is empty in it stays so, whatever the file says of itself.
    """

    name: str
    read: Callable[[], bytes]
    path: str = ""
    metadata: ImageMetadata = _NOTHING
    read_sidecar: Callable[[], bytes | None] = _no_sidecar
    is_name_binding: bool = True
    size: Callable[[], int | None] = _unknown_size
    is_near: bool = True
    is_all_said: bool = False


class PictureSource(Protocol):
    """Where an import's files come from."""

    @property
    def name(self) -> str:
        """What people are shown."""
        ...

    def check(self) -> None:
        """Refuse a source that cannot be read at all, before anything of it is taken in.

        Raises:
            UserInputError: says what is wrong with it.
        """
        ...

    def files(self, passed_over: Counter[str]) -> Iterator[SourceFile]:
        """Yield its files, found while they are asked for.

        Where the source ends too early, its last file is one of its own name that cannot be read.

        Args:
            passed_over: counts, by kind, what is not yielded.
        """
        ...


def shown(name: Path | str) -> str:
    """Return a name for people.

    It need not be UTF-8; what is not, and what would steer a terminal or begin a line, is "�".
    """
    text = str(name)
    if text.isprintable():
        return text
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if category(each) in _UNSHOWN or each in _TURNING else each
        for each in text
    )


def kind_of_path(path: str) -> str:
    """Return the kind of what is passed over, for itself or for a folder it is in; "" of pictures.

    Args:
        path: relative, "/" between folders.
    """
    parts = PurePosixPath(path).parts
    for folder in parts[:-1]:
        if folder != ".." and is_hidden(folder):
            return kind_passed_over(folder)
    return kind_passed_over(parts[-1] if parts else "")


def size_of(path: Path) -> int | None:
    """Return the bytes of a file, None where it cannot be asked."""
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return None


def read_path(path: Path, *, within: Path | None = None) -> bytes:
    """Return the bytes of a picture's file.

    Args:
        path: where it is.
        within: a folder that it has to lie in, whatever links lead to it.

    Raises:
        UserInputError: "file:user:missing", "file:user:unreadable", "file:user:outside",
            "image:user:empty-file", "image:user:too-large".
    """
    try:
        if within is not None:
            path = path.resolve()
            if not path.is_relative_to(within):
                raise UserInputError("file:user:outside")
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):  # reading a pipe would wait for ever
            raise UserInputError("file:user:unreadable")
        check_size(facts.st_size)
        with path.open("rb") as file:  # it may have grown meanwhile
            data = file.read(settings.UPLOAD_MAX_BYTES + 1)
        check_size(len(data))
        return data
    except FileNotFoundError as error:
        raise UserInputError("file:user:missing") from error
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        raise UserInputError("file:user:unreadable", reason=str(error)) from error


def refused(name: str, error: UserInputError) -> SourceFile:
    """Return a file that cannot be read, for this reason."""
    return SourceFile(name=name, read=partial(_refuse, error))


def ending_with_its_error(name: str, files: Iterable[SourceFile]) -> Iterator[SourceFile]:
    """Yield the files; an error on the way is the end, and a refused file of the source's name."""
    try:
        yield from files
    except UserInputError as error:
        yield refused(name, error)


def _refuse(error: UserInputError) -> NoReturn:
    raise error
