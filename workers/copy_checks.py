"""New images are compared with the catalogue; what is proved to be a copy is held or refused."""

import logging
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from kernel.errors import AppError, TransientError
from kernel.regions import FULL_IMAGE_KEY
from kernel.task_messages import Copy
from metrics.definitions import Work, stage
from ml.copies import comparison
from ml.copies.comparison import QueryCopyFeatures
from ml.rules.regions import FULL_IMAGE
from vectors.index import VectorIndex, Where
from worker_api import copy_checks
from worker_api import images as catalog
from worker_api.copy_checks import ProvedCopy, UncheckedImage
from worker_api.images import CatalogueRegion
from worker_api.jobs import Delivery
from workers import catalogue_hashes
from workers.copies import SoughtRegion, find_copies
from workers.model_pool import Loaded
from workers.pictures import UprightPicture, decode_picture
from workers.policies import translated

logger = logging.getLogger(__name__)

# A job ends after so long, so that others have their turn; the next sweep goes on.
_JOB_S = 60.0
# Those taken in are found after so long at most; a job an image would be a row each.
_PUBLISH_EVERY_S = 2.0
# Full images that a new one is compared with: the most alike, and those of nearly the same hash.
_MAX_COMPARED, _MAX_NEAR_IDENTICAL = 20, 48
# Comparing one takes a second at most; a storage that hangs must not hold up all others.
_IMAGE_S = 60.0


def check_copies(loaded: Loaded, *, delivery: Delivery) -> None:
    """Compare images that wait for it, one after another. Doing it twice changes nothing.

    One that cannot be read is taken in: only what is proved counts.

    Raises:
        JobTakenOver: this worker was silent for too long; the rest is its successor's.
        TransientError: a part is away; what is left goes on waiting.
    """
    ends_at = time.monotonic() + _JOB_S
    publish_at = time.monotonic() + _PUBLISH_EVERY_S
    while time.monotonic() < ends_at:
        image = copy_checks.claim(delivery=delivery)
        if image is None:
            break
        try:
            with translated():
                copy = _find_copy(image, loaded)
        except TransientError:
            copy_checks.give_back(image)
            raise
        except AppError as error:
            extra = {"image_id": str(image.id), "code": error.code}
            logger.warning("image cannot be compared", extra=extra)
            copy = None
        copy_checks.record(image, copy, delivery=delivery)
        if time.monotonic() > publish_at:
            copy_checks.publish()
            publish_at = time.monotonic() + _PUBLISH_EVERY_S
    copy_checks.publish()


def _find_copy(image: UncheckedImage, loaded: Loaded) -> ProvedCopy | None:
    """Return which full image of the catalogue a full image is a copy of, if of any.

    Raises:
        AppError: it cannot be read.
        MlError: the encoder failed.
    """
    data = catalog.read_original(image.sha256)
    picture = decode_picture(data, width=image.width, height=image.height)
    candidates = _candidates(image, loaded.encoder.encode([picture.image]), loaded.index)
    # Before the next one is claimed all those before it are settled: none may be missing here.
    catalogue_hashes.get().refresh(with_late=True)
    with stage(Work.INDEXING, "verify"):
        [found] = find_copies(
            [SoughtRegion(lambda: _extracted(picture), candidates)],
            max_near_identical=_MAX_NEAR_IDENTICAL,
            ends_at=time.monotonic() + _IMAGE_S,
        )
    regions = catalog.find_regions([copy.region_id for copy in found.copies])
    return _best(found.copies, regions)


def _candidates(
    image: UncheckedImage, embedding: NDArray[np.float32], index: VectorIndex
) -> list[int]:
    """Return the ids of the full images that are most like an image, of those that can be found.

    Also of those that were let in a moment ago: their points do not say so yet. What is in the bin
    or held is nearest at times, and must not take all ranks.
    """
    where = Where(kinds=(FULL_IMAGE,), not_image_ids=(image.id,))
    near = [
        hit.image_id
        for each in (where, replace(where, with_binned=True))
        for hit in index.search(embedding, k=_MAX_COMPARED, where=each)[0]
    ]
    return catalog.list_full_images(near)


def _extracted(picture: UprightPicture) -> Future[QueryCopyFeatures]:
    extracted: Future[QueryCopyFeatures] = Future()
    extracted.set_result(comparison.extract_query(picture.pixels))
    return extracted


def _best(copies: Sequence[Copy], regions: dict[int, CatalogueRegion]) -> ProvedCopy | None:
    """Return the copy that has most in common; what shares a design, or is in a panel, is none."""
    proved: list[tuple[bool, float, int, UUID]] = []
    for copy in copies:
        region = regions.get(copy.region_id)
        if copy.is_shared_design or region is None or region.key != FULL_IMAGE_KEY:
            continue
        shared = 1.0
        if copy.overlap is not None:
            shared = copy.overlap.query_percent * copy.overlap.image_percent / 100**2
        proved.append((not copy.is_near_identical, -shared, copy.region_id, region.image_id))
    if not proved:
        return None
    is_edited, *_, image_id = min(proved)
    return ProvedCopy(image_id, is_near_identical=not is_edited)
