"""What an import would take in, found out without taking anything in."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from catalog import storage
from catalog.selectors import find_by_sha256
from ingestion.services.opening import ListFiles
from ingestion.sources import SourceFile
from kernel.errors import UserInputError
from kernel.hashing import sha256_hex

# A plan says "at least" after so long: it is made in one job, and jobs have an end.
_PLAN_S = 240.0
# Of this, so long is spent on reading files, to know how many of them are there already.
_READ_S = 20.0
# Thumbnails, features and vectors of a picture: roughly, and rather more.
_MADE_BYTES = 150_000
# Left free in any case: the database needs room, too.
_RESERVE_BYTES = 1024**3


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import would take in.

    Attributes:
        files: pictures by their names.
        file_bytes: of those whose size is known without reading.
        sized: how many those are.
        passed_over: kind → files that are no pictures.
        read: how many were read, the first ones, as far as reading is cheap.
        known: how many of those are in the catalogue already, or came twice.
        is_complete: whether the source was seen to its end; else there is at least so much.
    """

    files: int = 0
    file_bytes: int = 0
    sized: int = 0
    passed_over: Mapping[str, int] | None = None
    read: int = 0
    known: int = 0
    is_complete: bool = True

    @property
    def needed_bytes(self) -> int:
        """Room that the storage needs, where what was read tells of the rest; roughly."""
        new = 1.0 if not self.read else 1 - self.known / self.read
        return round(new * (self.file_bytes + self.files * _MADE_BYTES))

    def to_json(self) -> dict[str, Any]:
        """Return what `Import.plan` holds."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "ImportPlan":
        """Read `Import.plan`."""
        return cls(**values)


def make_plan(list_files: ListFiles) -> ImportPlan:
    """Go through the files, read the first that are near, and take in none.

    Raises:
        TransientError: the source is out of reach.
    """
    begun = time.monotonic()
    passed_over: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    met: set[str] = set()
    is_complete = True
    for file in list_files(passed_over):
        counts["files"] += 1
        size = file.size()
        if size is not None:
            counts.update(file_bytes=size, sized=1)
        passed_s = time.monotonic() - begun
        if file.is_near and passed_s < _READ_S:
            counts.update(read=1, known=_is_known(file, met))
        if passed_s > _PLAN_S:
            is_complete = False
            break
    return ImportPlan(**counts, passed_over=dict(passed_over), is_complete=is_complete)


def refuse_to_fill_the_disk(plan: ImportPlan) -> None:
    """Refuse an import that the storage has no room for, as far as that is known.

    Raises:
        UserInputError: "import:user:disk-full".
    """
    free = storage.free_bytes()
    if free is not None and plan.needed_bytes > free - _RESERVE_BYTES:
        needed, left = (round(size / 1024**2) for size in (plan.needed_bytes, free))
        raise UserInputError("import:user:disk-full", needed_megabytes=needed, free_megabytes=left)


def _is_known(file: SourceFile, met: set[str]) -> bool:
    try:
        sha256 = sha256_hex(file.read())
    except UserInputError:  # it would be refused
        return False
    is_known = sha256 in met or find_by_sha256(sha256) is not None
    met.add(sha256)
    return is_known
