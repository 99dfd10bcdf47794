"""A manifest: a CSV or JSONL with a row a picture, where it is and what is said of it."""

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath
from typing import Any

from django.contrib.auth.models import Group

from catalog import exports
from catalog.models import Album, Image, Occurrence, Tag, max_chars
from catalog.services import FurtherOccurrence, ImageMetadata
from ingestion.sources.base import (
    SourceFile,
    ending_with_its_error,
    read_path,
    refused,
    shown,
    size_of,
)
from ingestion.sources.lines import MAX_LINE_BYTES, read_lines, refuse_long
from ingestion.sources.urls import url_file
from kernel.errors import UserInputError
from kernel.moments import is_moment
from ml.rules.file_types import ending_of

_JSON_ENDINGS = frozenset({".jsonl", ".ndjson"})
MANIFEST_ENDINGS = _JSON_ENDINGS | {".csv", ".tsv"}
_DELIMITERS = ",;\t"
# Between several tags or albums of one cell.
_SEPARATORS = str.maketrans("|", ";")
_TEXTS = (
    *("title", "description", "owner", "licence", "external_id", "rights"),
    *("creator", "credit", "usage_terms", "licensor", "source", "taken_at"),
)
_LISTS = {"tags": Tag, "albums": Album}
_MAX_CHARS = {column: max_chars(Image, column) for column in _TEXTS} | {
    column: max_chars(model, "name") for column, model in _LISTS.items()
}
_OCCURRENCE_CHARS = {
    each.name: max_chars(Occurrence, each.name) for each in fields(FurtherOccurrence)
}
# NUL, and halves of characters.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_UNKNOWN_SHOWN_CHARS = 200
# What has a structure: JSON in a cell of a CSV, too.
_STRUCTURES = ("private_to", "occurrences", "drawn_panels")
COLUMNS = ("path", "url", *_TEXTS, *_LISTS, "medium", *_STRUCTURES, "path_in_source")
# Only our exports have it: their rows say all that there is to say. `path` is where the file lies.
_OWN_PATH = "path_in_source"
# Theirs, too: facts of files, which are found anew.
_FACTS = frozenset(exports.COLUMNS) - set(COLUMNS)

# A text, a list of texts, or what JSON there is of a structure.
Cells = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ManifestSource:
    """The pictures that a CSV (comma, semicolon or tab; a header first) or a JSONL names.

    It is UTF-8, and read row by row. Relative paths are looked for below its own folder only.
    """

    path: Path

    @property
    def name(self) -> str:
        """The manifest's path."""
        return shown(self.path)

    def check(self) -> None:
        """Read the manifest to its end, so that nothing is taken in of one that is malformed.

        Raises:
            UserInputError: "manifest:user:…": long-line, wrong-encoding, malformed,
                unknown-columns, no-address; "file:user:missing", "file:user:unreadable".
        """
        for _ in self._rows():
            pass

    def files(self, passed_over: Counter[str]) -> Iterator[SourceFile]:
        """Yield a file a row; a row that cannot be used is a file that is refused."""
        return ending_with_its_error(self.name, self._files())

    def _files(self) -> Iterator[SourceFile]:
        for line, cells in self._rows():
            try:
                yield self._file(cells)
            except UserInputError as error:
                where = _text(cells, "path") or _text(cells, "url")
                error.context["line"] = line
                yield refused(f"{line}: {shown(where)}", error)

    def _rows(self) -> Iterator[tuple[int, Cells]]:
        """Yield every row's line number and what it says, by column; empty rows are left out."""
        return read_rows(self.path.name, read_lines(self.path))

    def _file(self, cells: Cells) -> SourceFile:
        folder = self.path.parent
        return file_of_row(cells, partial(_read_below, folder), lambda path: size_of(folder / path))


def read_rows(name: str, lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, Cells]]:
    """Yield the rows of a manifest's lines: each one's line number and what it says, by column.

    Args:
        name: the manifest's, of which the ending counts.
        lines: each with its number.

    Raises:
        UserInputError: as `ManifestSource.check`.
    """
    return (_json_rows if ending_of(name) in _JSON_ENDINGS else _csv_rows)(lines)


def file_of_row(
    cells: Cells, read: Callable[[str], bytes], size: Callable[[str], int | None]
) -> SourceFile:
    """Return the file that a row names.

    Args:
        cells: what it says.
        read: returns the bytes of a relative path.
        size: returns how many they are, where that is known.

    Raises:
        UserInputError: "manifest:user:bad-row".
    """
    said = _metadata(cells)
    path, url = _text(cells, "path"), _text(cells, "url")
    if bool(path) == bool(url):
        raise _bad_row("It needs a path or a URL, and not both.")
    if url:
        return replace(url_file(url), metadata=said)
    name = shown("/".join(PurePosixPath(path).parts))
    is_all_said = _OWN_PATH in cells
    kept_path = shown(_text(cells, _OWN_PATH)) if is_all_said else name
    return SourceFile(
        name,
        partial(read, path),
        kept_path,
        said,
        size=partial(size, path),
        is_all_said=is_all_said,
    )


def _read_below(folder: Path, path: str) -> bytes:
    """Return the bytes of a file in a folder, whatever links lie between.

    Raises:
        UserInputError: "manifest:user:outside"; and as `read_path`.
    """
    relative = PurePosixPath(path)
    if relative.is_absolute() or ".." in relative.parts:
        raise UserInputError("manifest:user:outside")
    try:
        root = folder.resolve()
        found = (root / relative).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # links in a circle, a NUL
        raise UserInputError("file:user:unreadable", reason=str(error)) from error
    if not found.is_relative_to(root):
        raise UserInputError("manifest:user:outside")
    return read_path(found)


# Rows


def _csv_rows(numbered: Iterator[tuple[int, str]]) -> Iterator[tuple[int, Cells]]:
    lines = _RecordLines(numbered)
    csv.field_size_limit(MAX_LINE_BYTES)  # of the process: no other CSV in it is from outside
    header = next(lines, "")
    lines.give_back(header)
    try:
        # strict: else a quote that is not closed swallows what follows without a word.
        reader = csv.reader(lines, delimiter=_delimiter_of(header), strict=True)
        columns = _columns(tuple(next(reader, ())))
        if not {"path", "url"} & set(columns):
            raise UserInputError("manifest:user:no-address")
        lines.record_chars, start = 0, reader.line_num + 1
        for record in reader:
            lines.record_chars = 0
            cells = [exports.without_apostrophe(cell.strip()) for cell in record]
            if any(cells[len(columns) :]):
                raise _malformed(start, "It has more cells than there are columns.")
            if any(cells):
                yield start, dict(zip(columns, cells, strict=False))
            start = reader.line_num + 1
    except csv.Error as error:
        raise _malformed(lines.number, str(error)) from error


def _json_rows(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, Cells]]:
    for number, line in lines:
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise _malformed(number, str(error)) from error
        if not isinstance(row, dict):
            raise _malformed(number, "It is no JSON object.")
        try:
            columns = _columns(tuple(row))
        except UserInputError as error:
            error.context["line"] = number
            raise
        said = {
            column: value
            for column, value in zip(columns, row.values(), strict=True)
            if column not in _FACTS
        }
        is_stripped = _OWN_PATH not in said
        yield (
            number,
            {
                column: value
                if column in _STRUCTURES
                else _json_cell(value, number, is_stripped=is_stripped)
                for column, value in said.items()
            },
        )


def _json_cell(value: object, line: int, *, is_stripped: bool) -> str | list[str]:
    if value is None:
        return ""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return [each.strip() for each in value]
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value).strip() if is_stripped else str(value)
    raise _malformed(line, "A value is neither a text nor a number nor a list of texts.")


@lru_cache(maxsize=64)
def _columns(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of columns as we write them.

    Raises:
        UserInputError: "manifest:user:unknown-columns"; "manifest:user:malformed" where one is
            there twice.
    """
    columns = tuple(map(_column, names))
    unknown = [
        name
        for name, column in zip(names, columns, strict=True)
        if column not in COLUMNS and column not in _FACTS
    ]
    if unknown:
        raise UserInputError(
            "manifest:user:unknown-columns",
            line=1,
            columns=shown(", ".join(unknown))[:_UNKNOWN_SHOWN_CHARS],
            known=", ".join(COLUMNS),
        )
    if len(set(columns)) < len(columns):
        raise _malformed(1, "A column is there twice.")
    return columns


def _column(name: str) -> str:
    column = name.strip().lower().replace(" ", "_").replace("-", "_")
    return "licence" if column == "license" else column


def _delimiter_of(header: str) -> str:
    """Return what a CSV's cells are told apart by: what makes the most columns of its header."""

    def count_columns(delimiter: str) -> int:
        names = header.replace('"', "").split(delimiter)
        return sum(_column(name) in COLUMNS for name in names)

    return max(_DELIMITERS, key=count_columns)


class _RecordLines:
    """A CSV's lines, for its reader; a record of several is no longer than a line may be."""

    def __init__(self, lines: Iterator[tuple[int, str]]) -> None:
        self._lines = lines
        self._given_back: list[str] = []
        self.number = 0
        self.record_chars = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._given_back:
            return self._given_back.pop()
        self.number, line = next(self._lines)
        self.record_chars += len(line)
        refuse_long(self.record_chars, self.number)
        return line

    def give_back(self, line: str) -> None:
        """Have a line read once more."""
        if line:
            self._given_back.append(line)


# What a row says


def _metadata(cells: Cells) -> ImageMetadata:
    """Return what a row says of its picture.

    Raises:
        UserInputError: "manifest:user:bad-row": a value that no column of the catalogue holds.
    """
    medium = _text(cells, "medium").lower()
    if medium and medium not in Image.Medium.values:
        raise _bad_row(f"medium: it is none of {', '.join(Image.Medium.values)}.")
    texts = {column: _text(cells, column) for column in _TEXTS}
    taken_at = texts["taken_at"]
    if taken_at and _OWN_PATH not in cells and not is_moment(taken_at):
        raise _bad_row("taken_at: it is no date, such as 2024-05-31 or 2024-05-31T12:00:00.")
    lists = {column: _list(cells, column) for column in _LISTS}
    for column, values in {**{c: (text,) for c, text in texts.items()}, **lists}.items():
        for value in values:
            _refuse_unstorable(column, value, _MAX_CHARS[column])
    return ImageMetadata(
        **texts,
        tags=lists["tags"],
        albums=lists["albums"],
        medium=medium,
        private_to=_private_to(cells, lists["albums"]),
        occurrences=_occurrences(cells),
        drawn_panels=_drawn_panels(cells),
    )


def _private_to(cells: Cells, albums: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    """Return album → groups, of those of a row's albums that are to be private."""
    value = _structure(cells, "private_to") or {}
    if not isinstance(value, dict) or not all(map(_are_names, value.values())):
        raise _bad_row("private_to: it is no object of albums, each with a list of groups.")
    if not value.keys() <= set(albums):
        raise _bad_row("private_to: it has an album that the picture is not in.")
    for group in {group for groups in value.values() for group in groups}:
        _refuse_unstorable("private_to", group, max_chars(Group, "name"))
    return {album: tuple(groups) for album, groups in value.items()}


def _occurrences(cells: Cells) -> tuple[FurtherOccurrence, ...]:
    value = _structure(cells, "occurrences") or []
    if not isinstance(value, list) or not all(map(_is_occurrence, value)):
        known = ", ".join(_OCCURRENCE_CHARS)
        raise _bad_row(f"occurrences: it is no list of objects with texts: {known}.")
    for each in value:
        for name, text in each.items():
            _refuse_unstorable(f"occurrences: {name}", text, _OCCURRENCE_CHARS[name])
    return tuple(
        FurtherOccurrence(**{**each, "path": shown(each.get("path", ""))}) for each in value
    )


def _drawn_panels(cells: Cells) -> tuple[tuple[int, int, int, int], ...] | None:
    value = _structure(cells, "drawn_panels")
    if value is None:
        return None
    if not isinstance(value, list) or not all(map(_is_box, value)):
        raise _bad_row("drawn_panels: it is no list of boxes, each of four whole numbers.")
    return tuple((x0, y0, x1, y1) for x0, y0, x1, y1 in value)


def _structure(cells: Cells, column: str) -> Any:
    value = cells.get(column)
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value else None
    except (ValueError, RecursionError) as error:
        raise _bad_row(f"{column}: it is no JSON. {shown(str(error))}") from error


def _are_names(value: object) -> bool:
    is_list = isinstance(value, list) and all(isinstance(each, str) for each in value)
    return is_list and bool(value)


def _is_occurrence(value: object) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() <= _OCCURRENCE_CHARS.keys()
        and all(isinstance(text, str) for text in value.values())
    )


def _is_box(value: object) -> bool:
    # True is an int to isinstance.
    return isinstance(value, list) and [type(each) for each in value] == [int] * 4


def _refuse_unstorable(column: str, text: str, limit: int | None) -> None:
    if limit is not None and len(text) > limit:
        raise _bad_row(f"{column}: more than {limit} characters cannot be kept.")
    if _UNSTORABLE.search(text):
        raise _bad_row(f"{column}: it has characters that no text has.")


def _text(cells: Cells, column: str) -> str:
    value = cells.get(column, "")
    return value if isinstance(value, str) else "; ".join(value)


def _list(cells: Cells, column: str) -> tuple[str, ...]:
    value = cells.get(column, "")
    if isinstance(value, str):
        value = _divided(value)
    return tuple(each for each in value if each)


def _divided(cell: str) -> list[str]:
    """Return the names of a cell; a list in JSON where they have what divides them in others."""
    if cell.startswith("["):
        with suppress(ValueError, RecursionError):
            names = json.loads(cell)
            if _are_names(names):
                return [name.strip() for name in names]
    return [name.strip() for name in cell.translate(_SEPARATORS).split(";")]


def _malformed(line: int, detail: str) -> UserInputError:
    return UserInputError("manifest:user:malformed", line=line, detail=shown(detail))


def _bad_row(detail: str) -> UserInputError:
    return UserInputError("manifest:user:bad-row", detail=detail)
