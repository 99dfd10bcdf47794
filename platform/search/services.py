"""One search: a picture in, the images of the catalogue that are most like its parts out."""

import logging
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from uuid import UUID

from django.conf import settings

from catalog.models import EncoderVersion, Image, Region
from catalog.selectors import find_images_with_regions, get_live_encoder
from catalog.validation import ValidPicture, validate
from catalog.vector_store import open_index
from kernel.errors import AppError, DefectError, TransientError, UserInputError
from kernel.ids import point_id
from kernel.task_messages import (
    Box,
    ComparedRegion,
    Copy,
    ExtractedQuery,
    QueryRegion,
    StoredQuery,
)
from ml.rules.layout import Layout
from search import query_files, query_worker
from search.groups import Group, Pair, QueryPart, best_pairs, hits_a_part, parts_of, rank
from search.question import Question
from vectors.index import Hit, VectorIndex, Where

logger = logging.getLogger(__name__)

# Points asked for: several may belong to one image, and images being deleted drop out.
_POINTS_AN_IMAGE = 4
# How often a part asks again, where a few images took all ranks.
_MAX_REPEATS = 3
# Images of a part that are compared with it by their pixels, and in all parts of a query.
_MAX_COMPARED, _MAX_COMPARED_IN_TOTAL, _MIN_COMPARED = 20, 240, 5
# So long their proof is waited for, however little time the rest has left.
_MIN_COPIES_TIMEOUT_S = 1.0
# Sides of a box that is searched alone.
_MIN_SIDE_PX = 8
# Names of objects that the found images can be narrowed down by.
_MAX_FACETS = 12


@dataclass(frozen=True, slots=True)
class Facet:
    """An object's label, in how many found images it is, and whether it is asked for."""

    label: str
    images: int
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The answer to one search.

    Attributes:
        query_id: under which the picture is kept for an hour, to search with its parts.
        query: the picture.
        layout: whether it is one picture, or many.
        regions: all its regions, the full image first.
        box: the part that was chosen; None is all.
        groups: what each part found.
        facets: of the images found, the commonest first.
        are_copies_checked: False where proving them took too long: hits are by score alone.
        model_ms: what decoding and the models took.
        total_ms: the whole search.
    """

    query_id: UUID
    query: ValidPicture
    layout: Layout
    regions: tuple[QueryRegion, ...]
    box: Box | None
    groups: tuple[Group, ...]
    facets: tuple[Facet, ...]
    are_copies_checked: bool
    model_ms: float
    total_ms: float


@dataclass(frozen=True)
class _CatalogueRows:
    """Rows of what was found: images by id, regions by their points' ids and by their own."""

    images: dict[UUID, Image]
    by_point: dict[UUID, Region]
    by_id: dict[int, Region]

    def candidates(self, pairs: dict[UUID, Pair], *, limit: int) -> list[int]:
        """Return the regions to compare a part with: what it matched, of objects the full image.

        Args:
            pairs: of the part, the best first.
            limit: regions that are returned.
        """
        chosen: list[int] = []
        for image_id, pair in islice(pairs.items(), limit):
            region = self.by_point.get(pair.point_id)
            if region is not None and region.kind == Region.Kind.PANEL:
                chosen.append(region.pk)
            elif image_id in self.full_images:
                chosen.append(self.full_images[image_id])
        return chosen

    @cached_property
    def full_images(self) -> dict[UUID, int]:
        """Image → the region that is all of it."""
        regions = self.by_id.values()
        return {each.image_id: each.pk for each in regions if each.kind == Region.Kind.FULL_IMAGE}


def search(question: Question) -> SearchResult:
    """Find the images most like a picture, or like each of its parts.

    Raises:
        UserInputError: the file is no picture that we take (`catalog.validation.validate`), or
            "search:user:bad-box".
        TransientError: worker, broker or vector store is away or slow; say so and try again.
        DefectError: ours.
    """
    started = time.perf_counter()
    ends_at = started + settings.SEARCH_TIMEOUT_S
    picture = validate(question.data, name=question.name if question.is_upload else "")
    _check_box(question.box, picture)
    version = get_live_encoder()
    query_id = question.query_id or query_files.write(picture.data)
    try:
        query = StoredQuery(query_id, picture.width, picture.height)
        extracted = query_worker.extract_query(query, box=question.box, encoder_version=version.pk)
        groups, copies_ms = _find(query, extracted, picture, version, question, ends_at=ends_at)
    except AppError:
        if question.query_id is None:
            with suppress(TransientError):  # what stays behind expires
                query_files.delete(query_id)
        raise
    return SearchResult(
        query_id=query_id,
        query=picture,
        layout=extracted.layout,
        regions=extracted.regions,
        box=question.box,
        groups=groups,
        facets=_facets(groups, question.labels),
        are_copies_checked=copies_ms is not None,
        model_ms=extracted.model_ms + (copies_ms or 0.0),
        total_ms=(time.perf_counter() - started) * 1000,
    )


def _check_box(box: Box | None, picture: ValidPicture) -> None:
    """Refuse a part that does not lie in the picture, or in which nothing can be seen.

    Raises:
        UserInputError: "search:user:bad-box".
    """
    if box is None:
        return
    x0, y0, x1, y1 = box
    is_inside = x0 >= 0 and y0 >= 0 and x1 <= picture.width and y1 <= picture.height
    min_side_px = min(_MIN_SIDE_PX, picture.width, picture.height)
    if not is_inside or min(x1 - x0, y1 - y0) < min_side_px:
        raise UserInputError("search:user:bad-box")


def _find(
    query: StoredQuery,
    extracted: ExtractedQuery,
    picture: ValidPicture,
    version: EncoderVersion,
    question: Question,
    *,
    ends_at: float,
) -> tuple[tuple[Group, ...], float | None]:
    """Return the groups, and the milliseconds that proving copies took; None if it was given up."""
    parts = parts_of(extracted)
    limit = hits_a_part(len(parts))
    found = _nearest(open_index(version), extracted, parts, labels=question.labels, limit=limit)
    pairs = [best_pairs(part, extracted, found, limit=2 * limit) for part in parts]
    catalogue = _read({image_id for each in pairs for image_id in each}, version)
    compared = max(_MIN_COMPARED, min(_MAX_COMPARED, _MAX_COMPARED_IN_TOTAL // len(parts)))
    asked = [
        ComparedRegion(part.region.box, tuple(catalogue.candidates(each, limit=compared)))
        for part, each in zip(parts, pairs, strict=True)
    ]
    copies: Sequence[Sequence[Copy]] = [()] * len(parts)
    copies_ms = None
    try:
        found_copies = query_worker.find_copies(
            query,
            asked,
            max_near_identical=2 * limit,
            timeout_s=max(_MIN_COPIES_TIMEOUT_S, ends_at - time.perf_counter()),
        )
        copies, copies_ms = found_copies.copies, found_copies.model_ms
    except (TransientError, DefectError) as error:  # hits by score alone are worth showing
        is_ours = isinstance(error, DefectError)
        logger.warning("copies were not checked", extra={"code": error.code}, exc_info=is_ours)
    catalogue = _with_copies(catalogue, copies, version)
    groups = tuple(
        rank(
            part,
            each,
            _by_image(those, catalogue, question.labels),
            catalogue.images,
            catalogue.by_point,
            query_sha256=picture.sha256,
            calibration=version.calibration,
            limit=limit,
        )
        for part, each, those in zip(parts, pairs, copies, strict=True)
    )
    return groups, copies_ms


def _nearest(
    index: VectorIndex,
    extracted: ExtractedQuery,
    parts: Sequence[QueryPart],
    *,
    labels: tuple[str, ...],
    limit: int,
) -> list[list[Hit]]:
    """Return the nearest points of each searched region, in its order.

    Where a few images of many regions take all ranks, their part asks again without them.
    """
    k = limit * _POINTS_AN_IMAGE
    found = index.search(extracted.embeddings, k=k, where=Where(labels=labels))
    for part in parts:
        full = [row for row in part.searched if len(found[row]) == k]
        for _ in range(_MAX_REPEATS):
            known = {hit.payload.image_id for row in part.searched for hit in found[row]}
            if not full or len(known) >= limit:
                break
            where = Where(labels=labels, not_image_ids=tuple(known))
            more = index.search(extracted.embeddings[full], k=k, where=where)
            for row, hits in zip(full, more, strict=True):
                found[row] += hits
            full = [row for row, hits in zip(full, more, strict=True) if len(hits) == k]
    return found


def _read(image_ids: Iterable[UUID], version: EncoderVersion) -> _CatalogueRows:
    images = find_images_with_regions(image_ids)
    by_point = {
        point_id(sha256=image.sha256, region=region.key, encoder_version=version.pk): region
        for image in images.values()
        for region in image.regions.all()
    }
    return _CatalogueRows(images, by_point, {region.pk: region for region in by_point.values()})


def _with_copies(
    catalogue: _CatalogueRows, copies: Sequence[Sequence[Copy]], version: EncoderVersion
) -> _CatalogueRows:
    """Add the images that were found by their hashes alone."""
    unknown = {copy.region_id for each in copies for copy in each} - set(catalogue.by_id)
    if not unknown:
        return catalogue
    image_ids = Region.objects.filter(pk__in=unknown).values_list("image_id", flat=True)
    more = _read(image_ids, version)
    return _CatalogueRows(
        catalogue.images | more.images,
        catalogue.by_point | more.by_point,
        catalogue.by_id | more.by_id,
    )


def _by_image(
    copies: Sequence[Copy], catalogue: _CatalogueRows, labels: Sequence[str]
) -> dict[UUID, tuple[Region, Copy]]:
    """Return the best copy in each image; where labels are asked for, in those that have one."""
    named = {region.image_id for region in catalogue.by_id.values() if region.label in labels}
    best: dict[UUID, tuple[Region, Copy]] = {}
    for copy in sorted(copies, key=_evidence, reverse=True):
        region = catalogue.by_id.get(copy.region_id)
        if region is not None and (not labels or region.image_id in named):
            best.setdefault(region.image_id, (region, copy))
    return best


def _evidence(copy: Copy) -> tuple[bool, int]:
    return copy.is_near_identical, 0 if copy.overlap is None else copy.overlap.inliers


def _facets(groups: Sequence[Group], chosen: Sequence[str]) -> tuple[Facet, ...]:
    """Return the labels that are asked for, and the commonest ones in the images found."""
    images = {hit.image.pk: hit.image for group in groups for hit in group.hits}
    counts = Counter(
        label
        for image in images.values()
        for label in {region.label for region in image.regions.all() if region.label}
    )
    commonest = sorted(counts, key=lambda label: (-counts[label], label))
    labels = dict.fromkeys([*chosen, *commonest[:_MAX_FACETS]])
    return tuple(Facet(label, counts[label], label in chosen) for label in labels)
