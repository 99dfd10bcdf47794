"""Near-identical and edited copies of the regions of a query, and shared designs, by pixels.

Candidates' local features are read by several threads ahead of their use, since each waits for the
storage, and the query's next regions are extracted ahead of it, too; comparing goes on meanwhile.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np

from kernel.errors import AppError, TransientError
from kernel.task_messages import Copy, Outline, Overlap
from ml.copies import comparison
from ml.copies.comparison import (
    CopyComparison,
    CopyFeatures,
    CopyVerdict,
    PreparedCandidate,
    PreparedQuery,
    QueryCopyFeatures,
)
from ml.copies.features import LocalFeatures
from ml.copies.pdq import Orientation, PdqHash
from ml.errors import DamagedFeatures
from ml.rules.hash_distance import HASH_BYTES
from ml.types import Box
from worker_api import images as catalog
from worker_api.images import CatalogueRegion
from workers import catalogue_hashes
from workers.pictures import decode_picture

logger = logging.getLogger(__name__)

# Threads that wait for the storage.
_READERS = 8
# Regions that are prepared ahead of the one that is compared. Searches share the threads: a collage
# that queued all of its regions at once would let a single photo wait.
_AHEAD = 2
# Candidates that stay ready for another region of the query, 0.4 MB each.
_MAX_PREPARED = 64


@dataclass(frozen=True, slots=True)
class SoughtRegion:
    """A region of a query whose copies are looked for.

    Attributes:
        extract: begins to extract what is compared of it.
        region_ids: candidates: full images and panels that an encoder found alike.
    """

    extract: Callable[[], Future[QueryCopyFeatures]]
    region_ids: Sequence[int]


@dataclass(frozen=True, slots=True)
class RegionCopies:
    """The copies of one region of a query.

    Attributes:
        copies: in no order.
        is_checked: whether all candidates were compared before the time was over.
        unchecked_ids: those of its candidates, in the order of the request, that were not.
        pdq: its own hash; None where the time was over before it was known.
    """

    copies: tuple[Copy, ...]
    is_checked: bool
    unchecked_ids: tuple[int, ...]
    pdq: PdqHash | None


def find_copies(
    sought: Sequence[SoughtRegion],
    *,
    max_near_identical: int,
    ends_at: float,
    hidden_albums: Sequence[int] = (),
) -> list[RegionCopies]:
    """Return the copies among candidates, and among all regions whose hash is nearly the same.

    Region by region: what was proved before the time is over stays, whatever comes of the others.

    Args:
        sought: what is looked for.
        max_near_identical: regions of nearly the same hash that are looked at, the nearest first.
        ends_at: `time.monotonic()` after which no more are compared.
        hidden_albums: ids of albums whose images are not found by their hashes.

    Returns:
        One for each that is sought. A candidate whose original cannot be read is left out, and
        logged.

    Raises:
        TransientError: the storage is away.
    """
    known = catalog.find_regions(list({key for each in sought for key in each.region_ids}))
    candidates = _Candidates()
    waiting = deque(sought)
    prepared: deque[_PreparedRegion] = deque()
    found = []
    try:
        while waiting or prepared:
            while waiting and len(prepared) <= _AHEAD:
                prepared.append(_prepare(waiting.popleft(), known, candidates))
            judged: dict[int, Copy | None] = {}
            proofs = _proofs(
                prepared[0],
                candidates,
                max_near_identical=max_near_identical,
                hidden_albums=hidden_albums,
                ends_at=ends_at,
            )
            try:
                for region_id, copy in proofs:
                    judged[region_id] = copy
            except TimeoutError:
                is_checked = False
            else:
                is_checked = True
            region = prepared.popleft()
            copies = tuple(copy for copy in judged.values() if copy is not None)
            unchecked_ids = tuple(each for each in region.candidates if each not in judged)
            found.append(RegionCopies(copies, is_checked, unchecked_ids, region.pdq))
    finally:
        candidates.cancel()
    return found


@dataclass(frozen=True, slots=True)
class _PreparedRegion:
    """A region of a query that is being extracted, and its candidates, which are being read."""

    extracted: Future[QueryCopyFeatures]
    candidates: Mapping[int, CatalogueRegion]

    @property
    def pdq(self) -> PdqHash | None:
        """Its hash; None where that is not known yet."""
        is_known = self.extracted.done() and self.extracted.exception() is None
        return self.extracted.result().upright.pdq if is_known else None


def _prepare(
    sought: SoughtRegion, known: Mapping[int, CatalogueRegion], candidates: "_Candidates"
) -> _PreparedRegion:
    regions = {key: known[key] for key in sought.region_ids if key in known}
    candidates.read(regions)
    return _PreparedRegion(sought.extract(), regions)


def _proofs(
    region: _PreparedRegion,
    candidates: "_Candidates",
    *,
    max_near_identical: int,
    hidden_albums: Sequence[int],
    ends_at: float,
) -> Iterator[tuple[int, Copy | None]]:
    """Yield each candidate of one region of a query, and the copy that it is, if it is one.

    Raises:
        TimeoutError: not all could be compared in time.
        TransientError: the storage is away.
    """
    features = region.extracted.result(_left_s(ends_at))
    regions = region.candidates
    if features.upright.pdq.is_reliable:
        near = catalogue_hashes.get().find_near_identical(
            features.oriented, limit=max_near_identical, hidden_albums=hidden_albums
        )
        candidates.read(near)
        regions = {**regions, **near}
    query = PreparedQuery.of(features)
    for region_id, row in regions.items():
        candidate = candidates.get(region_id, timeout_s=_left_s(ends_at))
        found = None if candidate is None else query.compare(candidate)
        if candidate is None or found is None or found.verdict is CopyVerdict.NO_COPY:
            yield region_id, None
        else:
            yield region_id, _copy(region_id, found, row, candidate.features.features)


def _left_s(ends_at: float) -> float:
    """Return how many seconds are left.

    Raises:
        TimeoutError: none.
    """
    left_s = ends_at - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    return left_s


class _Candidates:
    """Candidates of one search: each is read once, whichever regions are compared with it."""

    def __init__(self) -> None:
        self._reading: dict[int, Future[CopyFeatures | None]] = {}
        self._prepared = lru_cache(maxsize=_MAX_PREPARED)(self._prepare)

    def read(self, regions: Mapping[int, CatalogueRegion]) -> None:
        """Begin to read those that are not known yet."""
        for region_id, region in regions.items():
            if region_id not in self._reading:
                self._reading[region_id] = _readers().submit(
                    copy_context().run, _copy_features, region
                )

    def get(self, region_id: int, *, timeout_s: float) -> PreparedCandidate | None:
        """Return a candidate that is being read, or None where it cannot be.

        Raises:
            TimeoutError: it takes too long.
            TransientError: the storage is away.
        """
        self._reading[region_id].result(timeout_s)
        return self._prepared(region_id)

    def cancel(self) -> None:
        """Read no more of them."""
        for future in self._reading.values():
            future.cancel()

    def _prepare(self, region_id: int) -> PreparedCandidate | None:
        features = self._reading[region_id].result()
        return None if features is None else PreparedCandidate.of(features)


# For the life of a process, so that each thread keeps its connection to the storage.
@cache
def _readers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_READERS, thread_name_prefix="read-features")


def _copy_features(region: CatalogueRegion) -> CopyFeatures | None:
    """Return what is known of a catalogue region; what was lost is made again and kept."""
    stored = catalog.read_features(region.sha256, region.key)
    if stored is not None:
        try:
            return CopyFeatures(_hash(region), LocalFeatures.from_bytes(stored))
        except DamagedFeatures:
            extra = {"image_id": str(region.image_id)}
            logger.warning("local features are damaged or of an earlier release", extra=extra)
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
        is_shared_design=found.verdict is CopyVerdict.SHARED_DESIGN,
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
