"""Which pictures are of the same subject, from the four kinds of training data."""

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.errors import ConflictingDecisions, InvalidTrainingData, NoPictures
from ml.images.files import list_pictures

PHOTO = "photo"
_VERDICTS = ("copy", "same_subject", "different")
# Folder levels between the root and a picture.
_SUBJECT_ONLY, _MEDIUM_AND_SUBJECT = 1, 2


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture as the data name it; its file may not exist or not be a picture.

    Attributes:
        path: the file.
        name: the path as the data give it, for records.
        label: what is depicted; equal labels are positives of each other.
        medium: in what medium, "photo" where the data do not say.
    """

    path: Path
    name: str
    label: str
    medium: str = PHOTO


@dataclass(frozen=True, slots=True)
class Listing:
    """What training data say, before any file is opened.

    Attributes:
        entries: every picture once, in a fixed order.
        hard_negatives: pairs of labels that somebody called different.
    """

    entries: tuple[Entry, ...]
    hard_negatives: tuple[tuple[str, str], ...] = ()


def read(path: Path, kind: str) -> Listing:
    """Return what training data say.

    Args:
        path: where they are.
        kind: "folder": a folder of subjects, each a folder of pictures, or of media, each a folder
            of subjects; a subject's name is its label in every medium.
            "pairs": CSV with a header, or JSONL (one object a line), of `anchor`, `positive` and
            where wanted `negative`: paths, relative to the file's folder. Chains of positives are
            one subject.
            "decisions": JSONL of `a`, `b` (paths) and `verdict`: "copy" and "same_subject" make one
            subject, "different" a hard negative.
            "made": a folder of unlabelled pictures at any depth, each its own subject.

    Raises:
        NoPictures: nothing is listed.
        InvalidTrainingData: no such folder or file, or not of this shape.
        ConflictingDecisions: two pictures are called the same, perhaps through others, and
            different.
    """
    if kind in ("folder", "made"):
        if not path.is_dir():
            raise InvalidTrainingData(f"There is no folder {path}.", path=str(path))
        listing = _read_made(path) if kind == "made" else _read_folder(path)
    else:
        rows = _read_rows(path)
        listing = _read_pairs(path, rows) if kind == "pairs" else _read_decisions(path, rows)
    if not listing.entries:
        raise NoPictures(f"{path} holds no pictures.", path=str(path))
    return listing


def _read_made(folder: Path) -> Listing:
    paths = list_pictures(folder)
    names = [path.relative_to(folder).as_posix() for path in paths]
    return Listing(
        tuple(Entry(path, name, label=name) for path, name in zip(paths, names, strict=True))
    )


def _read_folder(folder: Path) -> Listing:
    entries = []
    depths = set()
    for path in list_pictures(folder):
        name = path.relative_to(folder)
        *media, label = name.parts[:-1] or ("",)
        depths.add(len(name.parts) - 1)
        entries.append(Entry(path, name.as_posix(), label, media[0] if media else PHOTO))
    if not depths or depths in ({_SUBJECT_ONLY}, {_MEDIUM_AND_SUBJECT}):
        return Listing(tuple(entries))
    raise InvalidTrainingData(
        f"Pictures in {folder} lie {_listed(depths)} folders deep; all must lie in subject/ or "
        "all in medium/subject/.",
        path=str(folder),
    )


def _listed(depths: Iterable[int]) -> str:
    return ", ".join(str(depth) for depth in sorted(depths))


# Lists of pairs


@dataclass(frozen=True, slots=True)
class _ListingRow:
    """One line of a list: its number in the file, from 1, and its values."""

    number: int
    values: dict[str, Any]


def _read_pairs(path: Path, rows: Iterable[_ListingRow]) -> Listing:
    groups = _Groups(path)
    for row in rows:
        anchor = groups.add(row, "anchor")
        groups.join(anchor, groups.add(row, "positive"))
        if row.values.get("negative"):
            groups.part(anchor, groups.add(row, "negative"))
    return groups.listing()


def _read_decisions(path: Path, rows: Iterable[_ListingRow]) -> Listing:
    groups = _Groups(path)
    for row in rows:
        verdict = row.values.get("verdict")
        if verdict not in _VERDICTS:
            raise InvalidTrainingData(
                f"Line {row.number} of {path.name} has no verdict of {', '.join(_VERDICTS)}.",
                line=row.number,
            )
        first, second = groups.add(row, "a"), groups.add(row, "b")
        if verdict == "different":
            groups.part(first, second)
        else:
            groups.join(first, second)
    return groups.listing()


class _Groups:
    """Pictures that are joined to subjects two by two (union-find), and pairs held apart."""

    def __init__(self, path: Path) -> None:
        self._file = path
        self._names: dict[Path, str] = {}
        self._parents: dict[Path, Path] = {}
        self._apart: list[tuple[Path, Path]] = []

    def add(self, row: _ListingRow, column: str) -> Path:
        """Take in the picture that a row names in a column; return its file."""
        name = row.values.get(column)
        if not isinstance(name, str) or not name or "\0" in name:
            raise InvalidTrainingData(
                f"Line {row.number} of {self._file.name} has no {column}.", line=row.number
            )
        path = Path(os.path.normpath(self._file.parent / name))
        self._names.setdefault(path, name)
        self._parents.setdefault(path, path)
        return path

    def join(self, first: Path, second: Path) -> None:
        """Make two pictures, and all that were joined to them, one subject."""
        self._parents[self._root(second)] = self._root(first)

    def part(self, first: Path, second: Path) -> None:
        """Remember that two pictures are of different subjects."""
        self._apart.append((first, second))

    def listing(self) -> Listing:
        """Return every picture with its subject's first picture as its label."""
        conflicts = [pair for pair in self._apart if self._root(pair[0]) == self._root(pair[1])]
        if conflicts:
            first, second = (self._names[path] for path in conflicts[0])
            raise ConflictingDecisions(
                f"{first} and {second} are called the same and different at once; so are "
                f"{len(conflicts) - 1} more pairs in {self._file.name}.",
                pairs=[tuple(self._names[path] for path in pair) for pair in conflicts],
            )
        entries = tuple(
            Entry(path, name, label=self._label(path)) for path, name in self._names.items()
        )
        apart = {
            tuple(sorted((self._label(first), self._label(second))))
            for first, second in self._apart
        }
        return Listing(entries, hard_negatives=tuple((a, b) for a, b in sorted(apart)))

    def _label(self, path: Path) -> str:
        return self._names[self._root(path)]

    def _root(self, path: Path) -> Path:
        while self._parents[path] != path:
            self._parents[path] = self._parents[self._parents[path]]
            path = self._parents[path]
        return path


def _read_rows(path: Path) -> Sequence[_ListingRow]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as err:
        raise InvalidTrainingData(f"{path} cannot be read: {err}", path=str(path)) from err
    if path.suffix.lower() != ".csv":
        return list(_json_rows(path, text))
    try:
        table = csv.DictReader(io.StringIO(text), strict=True)
        return [_ListingRow(table.line_num, row) for row in table]
    except csv.Error as err:
        raise InvalidTrainingData(f"{path.name} is no CSV: {err}", path=str(path)) from err


def _json_rows(path: Path, text: str) -> Iterator[_ListingRow]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except (ValueError, RecursionError) as err:
            raise InvalidTrainingData(
                f"Line {number} of {path.name} is no JSON: {err}", line=number
            ) from err
        if not isinstance(values, dict):
            raise InvalidTrainingData(
                f"Line {number} of {path.name} is not a JSON object.", line=number
            )
        yield _ListingRow(number, values)
