"""What the workers say of a query: its parts, their embeddings, and the copies of them."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from jobs import dispatch
from kernel import task_names
from kernel.errors import AppError, DefectError, FileMissing, TransientError, UserInputError
from kernel.regions import Kind

Box = tuple[int, int, int, int]
Point = tuple[float, float]
Layout = Literal["single", "collage", "screenshot"]


@dataclass(frozen=True, slots=True)
class StoredQuery:
    """A query picture where the workers find it; width and height are those of it upright."""

    id: UUID
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class QueryRegion:
    """A part of a query.

    Attributes:
        kind: "box" is what a person chose; the others are found by the workers.
        ordinal: its place, from 0, among those of its kind.
        box: x0, y0, x1, y1 in pixels of the upright picture, half-open.
        label: what an object is; "" for the others.
        confidence: 0..1.
    """

    kind: Kind | Literal["box"]
    ordinal: int
    box: Box
    label: str = ""
    confidence: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class DescribedQuery:
    """A query as a worker sees it.

    Attributes:
        layout: whether it is one picture, or many.
        regions: all its parts, the whole first.
        searched: those that were embedded: all, or the box alone.
        embeddings: (R, D) float32, unit rows, in the order of `searched`.
        model_ms: what decoding and the models took.
    """

    layout: Layout
    regions: tuple[QueryRegion, ...]
    searched: tuple[QueryRegion, ...]
    embeddings: NDArray[np.float32]
    model_ms: float


@dataclass(frozen=True, slots=True)
class Overlap:
    """How a part of a query lies in an image, as local features show.

    Attributes:
        inliers: features that agree.
        is_mirrored: whether left and right are exchanged.
        query_percent: how much of the part the image shows, 0..100.
        image_percent: how much of the image's region the part shows, 0..100.
    """

    inliers: int
    is_mirrored: bool
    query_percent: float
    image_percent: float


@dataclass(frozen=True, slots=True)
class Copy:
    """Proof that a part of a query is a copy of an image's region.

    Attributes:
        region_id: the region's row.
        is_near_identical: by its PDQ hash; otherwise by local features alone.
        bits: of 256, by which the hashes differ; None where one says too little.
        outline: where the part's corners, clockwise from the upper left, lie in the upright image.
        overlap: None where only the hashes agree.
    """

    region_id: int
    is_near_identical: bool
    bits: int | None
    outline: tuple[Point, ...]
    overlap: Overlap | None


def describe(query: StoredQuery, *, box: Box | None, encoder_version: int) -> DescribedQuery:
    """Have a worker take a query apart and embed it, or one box of it alone.

    Raises:
        UserInputError: the picture cannot be read to its end; "search:user:bad-box".
        TransientError: no worker or no broker; "encoder:transient:changing".
        DefectError: ours.
    """
    answer = _ask(task_names.DESCRIBE_QUERY, query, timeout_s=settings.SEARCH_TIMEOUT_S, box=box)
    if answer["encoder_version"] != encoder_version:
        raise TransientError("encoder:transient:changing")
    regions = tuple(_region(values) for values in answer["regions"])
    searched = regions if box is None else (QueryRegion("box", 0, box),)
    rows = np.frombuffer(base64.b64decode(answer["embeddings"]), dtype="<f4")
    return DescribedQuery(
        layout=answer["layout"],
        regions=regions,
        searched=searched,
        embeddings=rows.reshape(len(searched), -1),
        model_ms=answer["model_ms"],
    )


def find_copies(
    query: StoredQuery,
    parts: Sequence[tuple[Box, Sequence[int]]],
    *,
    most_near_identical: int,
    timeout_s: float,
) -> tuple[list[list[Copy]], float]:
    """Have a worker prove copies, among candidates and among all hashes of the catalogue.

    Args:
        query: the picture.
        parts: of each the box and the ids of the regions that are compared with it.
        most_near_identical: regions compared with each part because their hash is near its own.
        timeout_s: how long the answer is waited for.

    Returns:
        For each part its copies, in no order; and the milliseconds that it took.

    Raises:
        TransientError, DefectError: as `describe`.
    """
    asked = [{"box": box, "region_ids": list(ids)} for box, ids in parts]
    answer = _ask(
        task_names.FIND_COPIES,
        query,
        timeout_s=timeout_s,
        parts=asked,
        most_near_identical=most_near_identical,
        within_s=timeout_s,  # nobody waits for what is found later
    )
    return [[_copy(values) for values in copies] for copies in answer["copies"]], answer["model_ms"]


def _ask(name: str, query: StoredQuery, *, timeout_s: float, **arguments: Any) -> dict[str, Any]:
    answer = dispatch.ask(
        name,
        timeout_s=timeout_s,
        query_id=str(query.id),
        width=query.width,
        height=query.height,
        **arguments,
    )
    if "error" in answer:
        raise _error(answer)
    return answer


def _error(answer: dict[str, Any]) -> AppError:
    """Return the worker's error again: its code says whose it is."""
    code = answer["error"]
    if code == FileMissing.CODE:  # the only file that these tasks cannot do without
        return UserInputError("search:user:query-expired")
    kinds: dict[str, type[AppError]] = {"user": UserInputError, "ours": DefectError}
    kind = kinds.get(code.split(":")[1], TransientError)
    return kind(code, **answer.get("context", {}))


def _region(values: dict[str, Any]) -> QueryRegion:
    x0, y0, x1, y1 = values["box"]
    return QueryRegion(**{**values, "box": (x0, y0, x1, y1)})


def _copy(values: dict[str, Any]) -> Copy:
    overlap = values["overlap"]
    return Copy(
        region_id=values["region_id"],
        is_near_identical=values["is_near_identical"],
        bits=values["bits"],
        outline=tuple((x, y) for x, y in values["outline"]),
        overlap=None if overlap is None else Overlap(**overlap),
    )
