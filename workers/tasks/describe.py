"""Query tasks: a person waits for these."""

import base64
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple
from typing import Any
from uuid import UUID

from PIL import Image

from kernel import task_names
from kernel.errors import AppError
from ml.copies.comparison import Verdict
from ml.types import Box
from workers import catalogue_hashes, model_pool, queries
from workers.app import app
from workers.copies import FoundCopy, find_copies
from workers.policies import translated
from workers.queries import Query
from workers.regions import PictureRegion

_BLANK_SIZE = (320, 240)


@app.task(name=task_names.DESCRIBE_QUERY, shared=False, ignore_result=False)
def describe_query(
    *, query_id: str, width: int, height: int, box: Sequence[int] | None = None, **_unknown: object
) -> dict[str, Any]:
    """Return a query's parts and embeddings, or the error that it ended in.

    Args:
        query_id: the stored picture.
        width: of the upright picture, pixels.
        height: likewise.
        box: x0, y0, x1, y1; embeds that part alone.

    Returns:
        `layout`, `regions` and, in their order or of the box, `embeddings`: base64 of (R, D)
        little-endian float32, unit rows. `model_ms` is the time of decoding and of the models.
    """

    def answer() -> dict[str, Any]:
        query = Query(UUID(query_id), width, height)
        described = queries.describe(query, box=None if box is None else Box(*box))
        return {
            "encoder_version": described.encoder_version,
            "layout": described.parts.layout.value,
            "regions": [_region(region) for region in described.parts.regions],
            "embeddings": base64.b64encode(described.embeddings.astype("<f4").tobytes()).decode(),
        }

    return _answered(answer)


@app.task(name=task_names.FIND_COPIES, shared=False, ignore_result=False)
def find_query_copies(
    *,
    query_id: str,
    width: int,
    height: int,
    parts: list[dict[str, Any]],
    most_near_identical: int,
    within_s: float,
    **_unknown: object,
) -> dict[str, Any]:
    """Return the copies of a query's parts, or the error that it ended in.

    Args:
        query_id: the stored picture.
        width: of the upright picture, pixels.
        height: likewise.
        parts: of each `box` (x0, y0, x1, y1), and `region_ids` of the catalogue to compare with.
        most_near_identical: regions compared with each part because their hash is near its own.
        within_s: after so long nobody waits for the answer any more.

    Returns:
        `copies`, a list for each part, in no order; `model_ms` as in `describe_query`.
    """
    ends_at = time.monotonic() + within_s

    def answer() -> dict[str, Any]:
        query = Query(UUID(query_id), width, height)
        catalogue_hashes.get().refresh()
        found = [
            find_copies(
                queries.crop(query, Box(*part["box"])),
                part["region_ids"],
                most_near_identical=most_near_identical,
                ends_at=ends_at,
            )
            for part in parts
        ]
        return {"copies": [[_copy(each) for each in copies] for copies in found]}

    return _answered(answer)


@app.task(name=task_names.WARM_UP, ignore_result=False, shared=False)
def warm_up(*, pictures: int = 1, has_hashes: bool = True, **_unknown: object) -> str:
    """Load what this process needs, use it once, return what encoder it has.

    The first pass of a batch's shape prepares the kernels and takes the memory that later ones
    use: 1.1 s for 16 pictures here.

    Args:
        pictures: of a batch.
        has_hashes: whether the process searches for copies.
    """
    blank = [Image.new("RGB", _BLANK_SIZE)] * pictures
    with translated():
        loaded = model_pool.get()
        loaded.detector.detect(blank)
        loaded.encoder.encode(blank)
    if has_hashes:
        catalogue_hashes.get().refresh()
    return loaded.version.choice


def _answered(answer: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    started = time.perf_counter()
    try:
        with translated():
            answered = answer()
    except AppError as error:
        return {"error": error.code, "context": error.context}
    return {**answered, "model_ms": (time.perf_counter() - started) * 1000}


def _region(region: PictureRegion) -> dict[str, Any]:
    return {
        "kind": region.key.kind,
        "ordinal": region.key.ordinal,
        "box": astuple(region.box),
        "label": region.label,
        "confidence": region.confidence,
    }


def _copy(copy: FoundCopy) -> dict[str, Any]:
    distance, placement = copy.comparison.distance, copy.comparison.placement
    return {
        "region_id": copy.region_id,
        "is_near_identical": copy.comparison.verdict is Verdict.NEAR_IDENTICAL,
        "bits": None if distance is None else distance.bits,
        "outline": [[point.x, point.y] for point in copy.outline],
        "overlap": None
        if placement is None
        else {
            "inliers": placement.inliers,
            "is_mirrored": placement.is_mirrored,
            "query_percent": placement.query_overlap_percent,
            "image_percent": placement.candidate_overlap_percent,
        },
    }
