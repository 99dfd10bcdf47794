"""Labelled pictures on disk: folders a person sorts pictures into, and folders with a labels.csv.

Nothing is decoded here; a file that turns out to be damaged is left out and reported later.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ml.errors import EvaluationDataInvalid
from ml.images import files
from ml.types import Box

LABELS = "labels.csv"
_MEDIUM_DEPTH, _SUBJECT_DEPTH = 3, 2


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """One picture and what is known of it.

    Attributes:
        path: its file, which may be missing or damaged.
        name: the path inside the data folder, with slashes.
        subject: what it shows; equal subjects make a positive pair.
        kind: its medium, variant or edit, whichever the protocol tells apart; "" for none.
        box: where the subject is, where the data say so.
    """

    path: Path
    name: str
    subject: str
    kind: str = ""
    box: Box | None = None


def list_pictures(folder: Path) -> list[Path]:
    """Return the files below a folder that are named as pictures, sorted; hidden ones left out.

    Raises:
        EvaluationDataInvalid: there is no such folder, or no picture in it.
    """
    if not folder.is_dir():
        raise EvaluationDataInvalid(f"There is no folder {folder}.", folder=str(folder))
    found = files.list_pictures(folder)
    if not found:
        raise EvaluationDataInvalid(f"There are no pictures in {folder}.", folder=str(folder))
    return found


def read_bytes(path: Path) -> bytes:
    """Return a picture file's bytes.

    Raises:
        EvaluationDataInvalid: the file is missing or cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as err:
        raise EvaluationDataInvalid(
            f"The file cannot be read: {err.strerror}.", file=str(path)
        ) from err


def read_rows(
    folder: Path, *, columns: Sequence[str], file: str = LABELS, is_a_picture_once: bool = True
) -> list[dict[str, str]]:
    """Return the rows of a CSV file that describes a folder's pictures, one row or more.

    Args:
        folder: holds the file and the pictures.
        columns: those that must be there and filled in, "path" among them.
        file: its name.
        is_a_picture_once: whether a picture may have one row only.

    Raises:
        EvaluationDataInvalid: missing, empty, unreadable or of another shape, or a path leaves the
            folder.
    """
    path = folder / file
    if not path.is_file():
        raise EvaluationDataInvalid(f"{folder} has no {file}.", folder=str(folder))
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            rows = [] if missing else list(reader)
    except (OSError, UnicodeError, csv.Error) as err:
        raise EvaluationDataInvalid(f"{path} cannot be read: {err}", file=str(path)) from err
    if missing:
        raise EvaluationDataInvalid(
            f"{path} lacks the columns {', '.join(missing)}.", file=str(path)
        )
    if not rows:
        raise EvaluationDataInvalid(f"{path} names no pictures.", file=str(path))
    for line, row in enumerate(rows, start=2):
        _check_row(row, columns, f"{path}, row {line}")
    if is_a_picture_once:
        _check_unique(rows, path)
    return rows


def read_media(folder: Path) -> list[LabelledPicture]:
    """Return pictures with subject and medium (`kind`).

    Args:
        folder: holds `medium/subject/<picture>`, or a labels.csv with the columns path, subject_id
            and style.

    Raises:
        EvaluationDataInvalid: missing, empty, of another shape, or of one medium only.
    """
    if (folder / LABELS).is_file():
        rows = read_rows(folder, columns=("path", "subject_id", "style"))
        pictures = [_labelled(folder, row, "subject_id", "style") for row in rows]
    else:
        pictures = [
            LabelledPicture(path, path.relative_to(folder).as_posix(), subject, kind=medium)
            for path in list_pictures(folder)
            for medium, subject in [_parents(path, folder, depth=_MEDIUM_DEPTH)]
        ]
    return pictures


def read_subjects(folder: Path) -> list[LabelledPicture]:
    """Return pictures with subject, and with medium where the data tell it.

    Args:
        folder: as for `read_media`, or `subject/<picture>`.

    Raises:
        EvaluationDataInvalid: missing, empty or of another shape.
    """
    if (folder / LABELS).is_file():
        return read_media(folder)
    paths = list_pictures(folder)
    if all(len(path.relative_to(folder).parts) == _SUBJECT_DEPTH for path in paths):
        return [
            LabelledPicture(path, path.relative_to(folder).as_posix(), path.parent.name)
            for path in paths
        ]
    return read_media(folder)


def read_scenes(folder: Path) -> list[LabelledPicture]:
    """Return pictures with subject, variant (`kind`) and the subject's box.

    Args:
        folder: holds a labels.csv with the columns path, subject, variant, x, y, w and h (pixels).

    Raises:
        EvaluationDataInvalid: missing, empty or of another shape, or a box is none.
    """
    rows = read_rows(folder, columns=("path", "subject", "variant", "x", "y", "w", "h"))
    return [_labelled(folder, row, "subject", "variant", box=_box(row)) for row in rows]


def read_copies(folder: Path) -> list[LabelledPicture]:
    """Return pictures with group (`subject`) and edit (`kind`, "orig" for the original).

    Args:
        folder: holds a labels.csv with the columns path, group and edit.

    Raises:
        EvaluationDataInvalid: missing, empty or of another shape.
    """
    rows = read_rows(folder, columns=("path", "group", "edit"))
    return [_labelled(folder, row, "group", "edit") for row in rows]


def _parents(path: Path, folder: Path, *, depth: int) -> tuple[str, str]:
    parts = path.relative_to(folder).parts
    if len(parts) != depth:
        raise EvaluationDataInvalid(
            f"{folder} holds {Path(*parts)}, but pictures have to lie in folders"
            f" medium/subject, or a {LABELS} has to name them.",
            folder=str(folder),
        )
    return parts[0], parts[1]


def _check_row(row: Mapping[str, str | None], columns: Iterable[str], where: str) -> None:
    empty = [name for name in columns if not (row[name] or "").strip()]
    if empty:
        raise EvaluationDataInvalid(f"{where}: {', '.join(empty)} is empty.", row=where)
    parts = Path(row["path"] or "").parts
    if ".." in parts or Path(row["path"] or "").is_absolute():
        raise EvaluationDataInvalid(f"{where}: the path leaves the folder.", row=where)
    if "\0" in (row["path"] or ""):
        raise EvaluationDataInvalid(f"{where}: the path has a zero byte.", row=where)


def _check_unique(rows: Sequence[Mapping[str, str]], path: Path) -> None:
    seen: set[Path] = set()
    for row in rows:
        picture = Path(row["path"])  # which writes a/b, ./a/b and a//b alike
        if picture in seen:
            raise EvaluationDataInvalid(f"{path} names {row['path']} twice.", file=str(path))
        seen.add(picture)


def _labelled(
    folder: Path, row: Mapping[str, str], subject: str, kind: str, box: Box | None = None
) -> LabelledPicture:
    return LabelledPicture(folder / row["path"], row["path"], row[subject], row[kind], box)


def _box(row: Mapping[str, str]) -> Box:
    try:
        x, y, width, height = (int(row[name]) for name in ("x", "y", "w", "h"))
    except ValueError as err:
        raise EvaluationDataInvalid(
            f"{row['path']}: x, y, w and h have to be whole numbers of pixels.", path=row["path"]
        ) from err
    if min(x, y) < 0 or min(width, height) < 1:
        raise EvaluationDataInvalid(
            f"{row['path']}: the box {x}, {y}, {width}, {height} is none.", path=row["path"]
        )
    return Box(x, y, x + width, y + height)
