"""Decisions as training and calibration read them: JSONL, with the pictures beside it.

A line a pair: ``a`` and ``b``, paths of pictures below the file's folder, and ``verdict``, as
`ml.training.data.sources` has them; and what is known of the decision, which that passes over.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from catalog import storage
from kernel.errors import FileMissing
from ml.rules.file_types import FORMATS
from ml.rules.opening import open_picture
from ml.rules.stored import Limits
from ml.rules.upright import read_upright
from review import query_pictures
from review.models import Decision

_DIFFERENT = Decision.Judgement.DIFFERENT
_READ_AT_ONCE = 500
# A part of a picture, and the file it is of.
_Picture = tuple[str, str]


@dataclass(slots=True)
class DecisionsExport:
    """What an export has written: pairs, those left out, and picture files.

    Attributes:
        pairs: lines written.
        disputed: pairs that people do not agree about.
        contradicted: pairs that are called different, and the same by way of others.
        gone: pairs of which a picture's file is missing.
        pictures: files beside the lines.
    """

    pairs: int = 0
    disputed: int = 0
    contradicted: int = 0
    gone: int = 0
    pictures: set[str] = field(default_factory=set)


def export(decisions: QuerySet[Decision], file: Path) -> DecisionsExport:
    """Write decisions to a file, and their pictures to a folder named after it.

    Pairs that people do not agree about are left out; so are those that are called different while
    a chain of other decisions calls them the same, which training would refuse.

    Args:
        decisions: which.
        file: the JSONL; it is replaced once all is written.

    Raises:
        OSError: the file or the folder cannot be written.
        TransientError: the storage is away.
    """
    made = DecisionsExport()
    agreed = list(_agreed(decisions, made))
    subjects = _Subjects()
    for one in agreed:
        if one.judgement != _DIFFERENT:
            subjects.join(*_pair(one))
    folder = file.with_name(f"{file.stem}-pictures")
    folder.mkdir(exist_ok=True)
    unfinished = file.with_name(f".{file.name}.unfinished")
    with unfinished.open("w", encoding="utf-8") as lines:
        for one in agreed:
            if one.judgement == _DIFFERENT and subjects.are_one(*_pair(one)):
                made.contradicted += 1
                continue
            try:
                row = _row(one, folder, made.pictures)
            except FileMissing:
                made.gone += 1
                continue
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
            made.pairs += 1
    unfinished.replace(file)
    return made


def _agreed(decisions: QuerySet[Decision], made: DecisionsExport) -> Iterator[Decision]:
    """Yield the latest decision of each pair that people agree about."""
    related = decisions.select_related("image", "query_image", "encoder_version", "decided_by")
    ordered = related.order_by("query_sha256", "query_box", "image", "image_box", "decided_at")
    for _pair_of, several in groupby(ordered.iterator(_READ_AT_ONCE), key=_pair):
        taken = list(several)
        if len({each.judgement == _DIFFERENT for each in taken}) > 1:
            made.disputed += 1
        else:
            yield taken[-1]


def _pair(decision: Decision) -> tuple[_Picture, _Picture]:
    return (
        (decision.query_sha256, decision.query_box),
        (decision.image.sha256, decision.image_box),
    )


class _Subjects:
    """Pictures that are joined to subjects two by two (union-find)."""

    def __init__(self) -> None:
        self._parents: dict[_Picture, _Picture] = {}

    def join(self, first: _Picture, second: _Picture) -> None:
        self._parents[self._root(second)] = self._root(first)

    def are_one(self, first: _Picture, second: _Picture) -> bool:
        return self._root(first) == self._root(second)

    def _root(self, picture: _Picture) -> _Picture:
        while (parent := self._parents.setdefault(picture, picture)) != picture:
            self._parents[picture] = self._parents[parent]
            picture = parent
        return picture


def _row(decision: Decision, folder: Path, written: set[str]) -> dict[str, Any]:
    version = decision.encoder_version
    asked, found = _pair(decision)
    query_name = _write(folder, asked, query_pictures.read(decision), written)
    original = storage.read(storage.original_name(decision.image.sha256))
    return {
        "a": f"{folder.name}/{query_name}",
        "b": f"{folder.name}/{_write(folder, found, original, written)}",
        "verdict": decision.judgement,
        "decided_by": None if decision.decided_by is None else decision.decided_by.get_username(),
        "decided_at": decision.decided_at.isoformat(),
        "image_id": str(decision.image_id),
        "shown_verdict": decision.shown_verdict,
        "score": decision.score,
        "probability": decision.probability,
        "encoder": version.encoder,
        "weights_sha256": version.weights_sha256,
        "preprocessing_sha256": version.preprocessing_sha256,
        "calibration_sha256": decision.calibration_sha256,
    }


def _write(folder: Path, picture: _Picture, data: bytes, written: set[str]) -> str:
    """Write a picture, or the part of it, once; return its name."""
    sha256, box = picture
    ending = "png" if box else FORMATS[open_picture(data).format or ""]
    name = f"{sha256}.{box.replace(',', '-')}.{ending}" if box else f"{sha256}.{ending}"
    if name in written:
        return name
    if box:
        limits = Limits(settings.UPLOAD_MAX_PIXELS, settings.UPLOAD_MAX_FRAMES)
        _cut(read_upright(data, limits=limits).image, box.split(",")).save(folder / name)
    else:
        (folder / name).write_bytes(data)
    written.add(name)
    return name


def _cut(image: Any, box: Iterable[str]) -> Any:
    return image.crop(tuple(int(side) for side in box))
