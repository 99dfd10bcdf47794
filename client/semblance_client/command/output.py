"""How answers are written: tables for people, JSON for programs."""

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import TextIO, TypeVar

from semblance_client.decoding import encode, encode_line

T = TypeVar("T")

_LONGEST_CELL = 60


class Output:
    """Standard output and standard error of one command.

    Args:
        out: what the command was asked for.
        err: what went wrong, and how far it is.
        is_json: whether programs read `out`.
    """

    def __init__(self, out: TextIO, err: TextIO, *, is_json: bool) -> None:
        self._out = out
        self._err = err
        self.is_json = is_json

    def value(self, value: object) -> None:
        """Write a value as JSON, whoever reads it."""
        self._out.write(f"{encode(value)}\n")

    def line(self, value: object) -> None:
        """Write a value as JSON on a line of its own."""
        self._out.write(f"{encode_line(value)}\n")
        self._out.flush()

    def text(self, text: str) -> None:
        """Write a line for people."""
        self._out.write(f"{plain(text)}\n")
        self._out.flush()

    def table(self, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Write rows in columns; an empty table is its head alone."""
        cells = [list(head), *([_cell(each) for each in row] for row in rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        for row in cells:
            padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            self._out.write("  ".join(padded).rstrip() + "\n")

    def rows(
        self, head: Sequence[str], items: Iterable[T], row: Callable[[T], Sequence[object]]
    ) -> None:
        """Write a list: a line of JSON each, or a table.

        Args:
            head: of the table.
            items: what is listed.
            row: returns the table's cells of one.
        """
        if not self.is_json:
            self.table(head, map(row, items))
            return
        for each in items:
            self.line(each)

    def say(self, text: str) -> None:
        """Write a line to standard error."""
        self._err.write(f"{plain(text)}\n")
        self._err.flush()


def plain(text: str) -> str:
    """Return a text without what a terminal would take for orders: it may come from anybody."""
    return "".join("�" if unicodedata.category(each) in {"Cc", "Cf"} else each for each in text)


def _cell(value: object) -> str:
    text = plain("" if value is None else str(value))
    return text if len(text) <= _LONGEST_CELL else f"{text[: _LONGEST_CELL - 1]}…"
