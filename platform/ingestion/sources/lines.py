"""Text files, line by line: however large they are, one line of them is held."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO

from kernel.errors import UserInputError

# Of one line, and of one record of a CSV that has ends of lines within quotes: a form's longest
# description, or 5,000 tags, and room beside it.
MAX_LINE_BYTES = 4 * 1024 * 1024


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    r"""Yield every line with its number, from 1, and its "\n"; a byte-order mark is left out.

    Raises:
        UserInputError: "manifest:user:long-line" and "manifest:user:wrong-encoding", each with its
            line; "file:user:missing", "file:user:unreadable".
    """
    try:
        with path.open("rb") as file:
            yield from lines_of(file)
    except FileNotFoundError as error:
        raise UserInputError("file:user:missing") from error
    except OSError as error:
        raise UserInputError("file:user:unreadable", reason=error.strerror) from error


def lines_of(file: IO[bytes]) -> Iterator[tuple[int, str]]:
    """Yield the lines of an open file, as `read_lines` does.

    Raises:
        UserInputError: "manifest:user:long-line" and "manifest:user:wrong-encoding".
    """
    number = 0
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        yield number, _text(line, number)


def refuse_long(length: int, number: int) -> None:
    """Refuse a line or record of more than MAX_LINE_BYTES.

    Raises:
        UserInputError: "manifest:user:long-line".
    """
    if length > MAX_LINE_BYTES:
        kilobytes = MAX_LINE_BYTES // 1024
        raise UserInputError("manifest:user:long-line", line=number, max_kilobytes=kilobytes)


def _text(line: bytes, number: int) -> str:
    refuse_long(len(line), number)
    try:
        return line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise UserInputError("manifest:user:wrong-encoding", line=number) from error
