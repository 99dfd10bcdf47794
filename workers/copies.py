"""Near-identical and edited copies of a region of a query, proved one by one."""

import logging
import time
from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from kernel.errors import AppError, TransientError
from kernel.task_messages import Copy, Outline, Overlap
from ml.copies import comparison
from ml.copies.comparison import CopyComparison, CopyFeatures, CopyVerdict
from ml.copies.features import LocalFeatures
from ml.copies.pdq import HASH_BYTES, Orientation, PdqHash
from ml.errors import DamagedFeatures
from ml.types import Box
from worker_api import images as catalog
from worker_api.images import CatalogueRegion
from workers import catalogue_hashes
from workers.pictures import UprightPicture, decode_picture

logger = logging.getLogger(__name__)


def find_copies(
    picture: UprightPicture, region_ids: Sequence[int], *, max_near_identical: int, ends_at: float
) -> list[Copy]:
    """Return the copies among candidates, and among all regions whose hash is nearly the same.

    Args:
        picture: what is looked for.
        region_ids: candidates: full images and panels that an encoder found alike.
        max_near_identical: regions of nearly the same hash that are looked at, the nearest first.
        ends_at: `time.monotonic()` after which no more are compared.

    Returns:
        In no order. A candidate whose original cannot be read is left out, and logged.

    Raises:
        TransientError: the storage is away; "search:transient:no-answer": the time is over.
    """
    query = comparison.extract_query(picture.pixels)
    candidates = catalog.find_regions(region_ids)
    if query.upright.pdq.is_reliable:
        candidates |= catalogue_hashes.get().find_near_identical(
            query.oriented, limit=max_near_identical
        )
    copies = []
    for region_id, region in candidates.items():
        if time.monotonic() > ends_at:
            raise TransientError("search:transient:no-answer")
        known = _copy_features(region)
        if known is None:
            continue
        found = comparison.compare(query, known)
        if found.verdict is not CopyVerdict.NO_COPY:
            copies.append(_copy(region_id, found, region, known.features))
    return copies


def _copy_features(region: CatalogueRegion) -> CopyFeatures | None:
    """Return what is known of a catalogue region; what was lost is made again and kept."""
    stored = catalog.read_features(region.sha256, region.key)
    if stored is not None:
        try:
            return CopyFeatures(_hash(region), LocalFeatures.from_bytes(stored))
        except DamagedFeatures:
            logger.warning("local features were damaged", extra={"image": str(region.image_id)})
    try:
        data = catalog.read_original(region.sha256)
        picture = decode_picture(data, width=region.width, height=region.height)
    except TransientError:
        raise
    except AppError as error:  # the audit tells the keeper
        extra = {"image_id": str(region.image_id), "code": error.code}
        logger.warning("candidate cannot be read", extra=extra)
        return None
    known = comparison.extract(picture.crop(Box(*region.box)).pixels)
    with suppress(TransientError):  # what cannot be kept is made again the next time
        catalog.write_features(region.sha256, region.key, known.features.to_bytes())
    return known


def _hash(region: CatalogueRegion) -> PdqHash:
    """Return a region's hash; of one recorded by an earlier release, one that tells nothing."""
    if region.pdq is None:
        return PdqHash(np.zeros(HASH_BYTES, np.uint8), quality=0)
    return PdqHash(np.frombuffer(region.pdq, np.uint8), region.pdq_quality)


def _copy(
    region_id: int, found: CopyComparison, region: CatalogueRegion, local: LocalFeatures
) -> Copy:
    distance, placement = found.distance, found.placement
    return Copy(
        region_id=region_id,
        is_near_identical=found.verdict is CopyVerdict.NEAR_IDENTICAL,
        bits=None if distance is None else distance.bits,
        outline=_outline(found, region, local),
        overlap=None
        if placement is None
        else Overlap(
            inliers=placement.inliers,
            is_mirrored=placement.is_mirrored,
            query_percent=placement.query_overlap_percent,
            image_percent=placement.candidate_overlap_percent,
        ),
    )


def _outline(found: CopyComparison, region: CatalogueRegion, local: LocalFeatures) -> Outline:
    """Return where the corners of the query's region lie in the upright original, in its pixels."""
    x0, y0, x1, y1 = region.box
    if found.placement is None:  # the hashes alone are nearly the same: all of it on all of it
        corners: Outline = ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
        orientation = Orientation.AS_IT_IS if found.distance is None else found.distance.orientation
        first, second, third, fourth = (corners[index] for index in orientation.corners)
        return first, second, third, fourth
    x_scale, y_scale = (x1 - x0) / local.width, (y1 - y0) / local.height
    first, second, third, fourth = (
        (x0 + corner.x * x_scale, y0 + corner.y * y_scale) for corner in found.placement.outline
    )
    return first, second, third, fourth
