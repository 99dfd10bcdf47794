"""Exports of many images: rows, hashes or originals, written to files in parts.

Of a part a chunk's rows are held, and of a ZIP the list of its members, some 0.5 kB each.
"""

import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import IO, Any

import numpy as np
from django.conf import settings

from kernel.errors import AppError, TransientError
from ml.copies.pdq import PdqHash, pdq_hash_of_all_pixels
from ml.images.decode import decode
from worker_api import exports, images
from worker_api.exports import ExportFormat
from worker_api.jobs import Delivery
from workers.policies import translated

# A part ends after so much; a job after so many seconds, which leaves its time limit far away. The
# next sweep goes on.
_PART_BYTES, _PART_S, _JOB_S = 1024**3, 60.0, 240.0

Row = Mapping[str, Any]
_MANIFEST = "manifest.jsonl"
_PDQ_COLUMNS = (
    "id",
    "sha256",
    "path",
    "pdq_all_pixels",
    "quality_all_pixels",
    "pdq",
    "pdq_quality",
)


def run_export(edit_id: int, *, delivery: Delivery) -> None:
    """Make what is left of an export. A part that an earlier try has not stored is made anew.

    Raises:
        JobTakenOver: this worker was silent for too long; the rest is its successor's.
        TransientError: the storage is away, or the disk is full; what is stored is kept.
    """
    ends_at = time.monotonic() + _JOB_S
    while time.monotonic() < ends_at:
        state = exports.find_export(edit_id, delivery=delivery)
        if state is None:
            break
        with exports.scratch_file() as file:
            made = _write_part(edit_id, file, state.format, is_first=not state.parts)
            exports.keep_part(edit_id, state.parts, file, **made, delivery=delivery)


def _write_part(
    edit_id: int, file: IO[bytes], chosen: ExportFormat, *, is_first: bool
) -> dict[str, Any]:
    """Write chunks until the part is long enough; return what is recorded of it."""
    chunk_ids: list[int] = []
    done = gone = 0
    ends_at = time.monotonic() + _PART_S
    with _WRITERS[chosen](file, is_first) as write:
        while chunk := exports.next_chunk(edit_id, after_id=chunk_ids[-1] if chunk_ids else 0):
            rows = exports.read_rows(edit_id, chunk.image_ids)
            for row in rows:
                write(row)
            chunk_ids.append(chunk.id)
            done, gone = done + len(rows), gone + len(chunk.image_ids) - len(rows)
            if file.tell() >= _PART_BYTES or time.monotonic() >= ends_at:
                break
    return {"chunk_ids": chunk_ids, "done": done, "gone": gone}


# Each yields what writes a row to the file; a part that is not the first has no header.
_Write = Callable[[Row], object]


def _say(file: IO[bytes], line: str) -> None:
    file.write(line.encode())


@contextmanager
def _json_lines(file: IO[bytes], _is_first: bool) -> Iterator[_Write]:  # noqa: FBT001
    yield lambda row: _say(file, exports.json_line(row))


@contextmanager
def _table(file: IO[bytes], is_first: bool) -> Iterator[_Write]:  # noqa: FBT001
    if is_first:
        _say(file, exports.csv_line(exports.COLUMNS))
    yield lambda row: _say(file, exports.table_line(row))


@contextmanager
def _pdq_list(file: IO[bytes], _is_first: bool) -> Iterator[_Write]:  # noqa: FBT001
    """A line a hash, after its kind; those that say too little are left out, as there."""

    def write(row: Row) -> None:
        found = _hash_of_all_pixels(row)
        if found is not None and found.is_reliable:
            _say(file, f"pdq {found.bits.tobytes().hex()}\n")

    yield write


@contextmanager
def _pdq_table(file: IO[bytes], is_first: bool) -> Iterator[_Write]:  # noqa: FBT001
    if is_first:
        _say(file, exports.csv_line(_PDQ_COLUMNS))

    def write(row: Row) -> None:
        found = _hash_of_all_pixels(row)
        cells = (None, None) if found is None else (found.bits.tobytes().hex(), found.quality)
        own = (row["pdq"], row["pdq_quality"])
        _say(file, exports.csv_line([row["id"], row["sha256"], row["path"], *cells, *own]))

    yield write


@contextmanager
def _archive(file: IO[bytes], _is_first: bool) -> Iterator[_Write]:  # noqa: FBT001
    """Each part is an archive of its own; its members are named by content, so that none meet."""
    with (
        exports.scratch_file() as manifest,
        zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive,
    ):

        def write(row: Row) -> None:
            data = _original(row)
            name = f"originals/{row['sha256']}.{row['format']}"
            if data is not None:
                moment = datetime.fromisoformat(row["created_at"]).timetuple()[:6]
                archive.writestr(zipfile.ZipInfo(name, moment), data)
            _say(manifest, exports.json_line({**row, "path": name}))

        yield write
        manifest.seek(0)
        with archive.open(_MANIFEST, "w", force_zip64=True) as member:
            while piece := manifest.read(1024 * 1024):
                member.write(piece)


_WRITERS = {
    ExportFormat.CSV: _table,
    ExportFormat.JSONL: _json_lines,
    ExportFormat.ZIP: _archive,
    ExportFormat.PDQ: _pdq_list,
    ExportFormat.PDQ_TABLE: _pdq_table,
}


def _original(row: Row) -> bytes | None:
    """Return an original; None where it is lost, which `audit` tells of.

    Raises:
        TransientError: the storage is away.
    """
    try:
        return images.read_original(row["sha256"])
    except TransientError:
        raise
    except AppError:
        return None


def _hash_of_all_pixels(row: Row) -> PdqHash | None:
    data = _original(row)
    if data is None:
        return None
    try:
        with translated():
            picture = decode(data, max_pixels=settings.UPLOAD_MAX_PIXELS)
    except TransientError:
        raise
    except AppError:
        return None
    return pdq_hash_of_all_pixels(np.asarray(picture))
