"""One search: a picture in, the images of the catalogue that are most like its parts out."""

import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from itertools import islice
from uuid import UUID

from django.conf import settings

from catalog.models import EncoderVersion, Image
from catalog.selectors import (
    count_findable_and_waiting,
    find_drawn_panels,
    find_medium,
    get_live_encoder,
)
from catalog.vector_store import open_index
from catalog.visibility import Viewer, hidden_albums
from kernel.errors import AppError, DefectError, TransientError, UserInputError
from kernel.task_messages import (
    Box,
    ComparedRegion,
    Copy,
    ExtractedQuery,
    FoundCopies,
    QueryRegion,
    RegionHash,
    StoredQuery,
)
from metrics.definitions import search_stage
from ml.rules.layout import Layout
from ml.rules.regions import FULL_IMAGE
from search import asked_pictures, kept_queries, query_worker
from search.asked_pictures import AskedPicture
from search.catalogue_rows import CatalogueRows, best_copies, read_rows, with_copies
from search.conditions import Sought
from search.groups import Group, Pair, QueryPart, best_pairs, hits_a_part, in_turns, parts_of, rank
from search.kept_queries import KeptQuery, QueryPicture
from search.nearest import nearest
from search.question import Filters, Question, Sort, Wait
from search.sorting import in_order
from search.verdict_counts import VerdictCounts, count_verdicts
from search.verdicts import SameSubjectMark, same_subject_mark

logger = logging.getLogger(__name__)

# What words, or several pictures, are searched with: no region of any picture.
NO_REGION = QueryRegion(FULL_IMAGE, 0, (0, 0, 1, 1))

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


class CopiesState(StrEnum):
    """Whether the copies among the images found are told."""

    CHECKED = "checked"
    PENDING = "pending"  # nobody waited for that: they can be asked for
    UNCHECKED = "unchecked"  # of some group or all: it took too long, or failed


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The answer to one search.

    Attributes:
        asked: the picture: an upload that is kept for an hour, to search with its parts, or an
            image of the catalogue.
        query: what is known of it.
        layout: whether it is one picture, or many.
        regions: all its regions, the full image first.
        box: the part that was chosen; None is all.
        filters: which images may be found.
        sort: their order.
        query_medium: the query's own, as somebody said it or as it was told from the picture;
            "unknown" where it is not known.
        groups: what each part found.
        facets: of the images found, the commonest first.
        copies: whether copies are told; otherwise hits of a group are by score alone.
        counts: how many of the images are what to the query.
        mark: where "same subject" begins; None where it is never said.
        searched: images that could be found, by who asks.
        waiting: images that cannot be found yet.
        model_ms: what decoding and the models took, and proving copies.
        total_ms: the whole search.
        version: the encoder version that it was searched with.
    """

    asked: AskedPicture
    query: QueryPicture
    layout: Layout
    regions: tuple[QueryRegion, ...]
    box: Box | None
    filters: Filters
    sort: Sort
    query_medium: str
    groups: tuple[Group, ...]
    facets: tuple[Facet, ...]
    copies: CopiesState
    counts: VerdictCounts
    mark: SameSubjectMark | None
    searched: int
    waiting: int
    model_ms: float
    total_ms: float
    version: EncoderVersion

    @property
    def are_copies_checked(self) -> bool:
        """Whether all groups tell all their copies."""
        return self.copies is CopiesState.CHECKED


@dataclass(frozen=True, slots=True, eq=False)
class _FoundHits:
    """What the index found, before anything is proved.

    Attributes:
        parts: of the query.
        pairs: for each part, image → its best pair of regions.
        compared: for each part, those of the pairs whose pixels are compared with it, if any are.
        are_plain: for each part, whether there is nothing to see in it.
        catalogue: rows of those of the images that may be seen.
        sought: which images may be found.
        limit: images that a group shows.
    """

    parts: list[QueryPart]
    pairs: list[dict[UUID, Pair]]
    compared: list[dict[UUID, Pair]]
    are_plain: list[bool]
    catalogue: CatalogueRows
    sought: Sought
    limit: int


@dataclass(frozen=True, slots=True)
class FoundByWords:
    """The images that fit words, and how long the model took."""

    group: Group
    model_ms: float


def search(
    question: Question, viewer: Viewer, *, reach: int = 0, ends_at: float | None = None
) -> SearchResult:
    """Find the images most like a picture, or like each of its parts, that a person may see.

    Args:
        question: what is asked.
        viewer: who asks.
        reach: images that the picture may find at least, in all of its parts.
        ends_at: when the time is over, as `time.perf_counter` has it; None is that of one search.

    Raises:
        UserInputError: the file is no picture that we take (`catalog.validation.validate`), or
            "search:user:bad-box".
        GoneError: "search:user:query-expired".
        TransientError: worker, broker or vector store is away or slow; say so and try again.
        DefectError: ours.
    """
    started = time.perf_counter()
    ends_at = started + settings.SEARCH_TIMEOUT_S if ends_at is None else ends_at
    asked = asked_pictures.of_question(question)
    picture = asked.facts
    try:
        _check_box(question.box, picture)
        version = get_live_encoder()
        extracted, model_ms = _known_or_extracted(asked, question, version, viewer, ends_at=ends_at)
        medium = find_medium(picture.sha256, viewer)
        if medium == Image.Medium.UNKNOWN:
            medium = extracted.medium.value
        sought = Sought(question.filters, viewer, medium, hidden_albums(viewer))
        is_compared = question.wait is Wait.PROOFS
        found = _find_hits(
            extracted, version, sought, reach=reach, ends_at=ends_at, is_compared=is_compared
        )
    except AppError:
        if question.data is not None:  # it is new
            asked_pictures.forget(asked)
        raise
    if model_ms is not None:
        kept_queries.write(asked.key, KeptQuery(picture, extracted))
    proofs = _prove(asked.stored, found, ends_at=ends_at) if is_compared else None
    groups = in_order(_groups(found, proofs, picture, version), question.sort)
    # One of several pictures says nothing of its own.
    searched, waiting = (0, 0) if reach else count_findable_and_waiting(viewer)
    image_id = None if asked.image is None else asked.image.pk
    return SearchResult(
        asked=asked,
        query=picture,
        layout=extracted.layout,
        regions=extracted.regions,
        box=question.box,
        filters=question.filters,
        sort=question.sort,
        query_medium=sought.query_medium,
        groups=groups,
        facets=facets_of(groups, question.filters.labels),
        copies=_copies_state(question.wait, groups),
        counts=count_verdicts(groups, query_image=image_id, limit=found.limit),
        mark=same_subject_mark(version.calibration),
        searched=searched,
        waiting=waiting,
        model_ms=(model_ms or 0.0) + (0.0 if proofs is None else proofs.model_ms),
        total_ms=(time.perf_counter() - started) * 1000,
        version=version,
    )


def _known_or_extracted(
    asked: AskedPicture,
    question: Question,
    version: EncoderVersion,
    viewer: Viewer,
    *,
    ends_at: float,
) -> tuple[ExtractedQuery, float | None]:
    """Return what is known of a query, and what the models took; None where none had to run."""
    if question.data is None:
        kept = kept_queries.read(asked.key, question.box)
        if kept is not None and kept.extracted.encoder_version == version.pk:
            return kept.extracted, None
    # Who says of a catalogue picture which panels it has says it of every search with it.
    panels = find_drawn_panels(asked.facts.sha256, viewer)
    extracted = _extract(asked, question, version, panels, timeout_s=_left_s(ends_at))
    return extracted, extracted.model_ms


def search_words(
    words: str, filters: Filters, viewer: Viewer, *, reach: int, ends_at: float
) -> FoundByWords:
    """Find the images that fit words, that a person may see.

    Words have no copies, and nobody has measured how likely a score of theirs is right.

    Raises:
        UserInputError: "search:user:no-words".
        TransientError, DefectError: as `search`.
    """
    version = get_live_encoder()
    embedded = query_worker.embed_words(
        words, encoder_version=version.pk, timeout_s=_left_s(ends_at)
    )
    extracted = ExtractedQuery(
        encoder_version=version.pk,
        layout=Layout.SINGLE,
        regions=(NO_REGION,),
        box=None,
        embeddings=embedded.embedding[None],
        are_plain=(False,),
        model_ms=embedded.model_ms,
    )
    sought = Sought(filters, viewer, Image.Medium.UNKNOWN, hidden_albums(viewer))
    found = _find_hits(extracted, version, sought, reach=reach, ends_at=ends_at, is_expanded=False)
    [group] = _groups(found, None, QueryPicture("", 1, 1), version)
    return FoundByWords(group, embedded.model_ms)


def _left_s(ends_at: float) -> float:
    """Return what is left of the search's time, in seconds.

    Raises:
        TransientError: "search:transient:no-answer": nothing is.
    """
    left_s = ends_at - time.perf_counter()
    if left_s <= 0:
        raise TransientError("search:transient:no-answer", timeout_s=settings.SEARCH_TIMEOUT_S)
    return left_s


@search_stage("extract")
def _extract(
    asked: AskedPicture,
    question: Question,
    version: EncoderVersion,
    panels: tuple[Box, ...] | None,
    *,
    timeout_s: float,
) -> ExtractedQuery:
    """Have the models extract a query; where only a box of it is new, that alone."""
    full = None if question.box is None else kept_queries.read(asked.key, None)
    extracted = query_worker.extract_query(
        asked.stored,
        box=question.box,
        encoder_version=version.pk,
        timeout_s=timeout_s,
        is_segmented=full is not None,
        is_compared=question.wait is Wait.PROOFS,
        panels=panels,
    )
    if full is None:
        return extracted
    known = full.extracted
    return replace(extracted, layout=known.layout, regions=known.regions, medium=known.medium)


def _check_box(box: Box | None, picture: QueryPicture) -> None:
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


@search_stage("neighbours")
def _find_hits(
    extracted: ExtractedQuery,
    version: EncoderVersion,
    sought: Sought,
    *,
    reach: int,
    ends_at: float,
    is_compared: bool = False,
    is_expanded: bool = True,
) -> _FoundHits:
    parts = parts_of(extracted, sought)
    limit = max(hits_a_part(len(parts)), reach // max(len(parts), 1))
    index = open_index(version)
    left_s = partial(_left_s, ends_at)
    found, by_cosine = nearest(
        index,
        extracted,
        parts,
        where=sought.where,
        limit=limit,
        left_s=left_s,
        is_expanded=is_expanded,
    )
    pairs = [best_pairs(part, extracted, found, limit=2 * limit) for part in parts]
    number = max(_MIN_COMPARED, min(_MAX_COMPARED, _MAX_COMPARED_IN_TOTAL // len(parts)))
    number = number if is_compared else 0
    compared = [
        in_turns(best_pairs(part, extracted, by_cosine, limit=number), each, limit=number)
        for part, each in zip(parts, pairs, strict=True)
    ]
    shown = {image_id for each in pairs for image_id in islice(each, limit)}
    shown |= {image_id for each in compared for image_id in each}
    catalogue = read_rows(shown, version, sought)
    # Some are being deleted, or were just made private: others take their places.
    if len(catalogue.images) < len(shown):
        every = {image_id for each in (*pairs, *compared) for image_id in each}
        catalogue = read_rows(every, version, sought)
    pairs, compared = (
        [_taken(each, catalogue, sought) for each in those] for those in (pairs, compared)
    )
    are_plain = [extracted.are_plain[part.searched[0]] for part in parts]
    return _FoundHits(parts, pairs, compared, are_plain, catalogue, sought, limit)


def _taken(pairs: dict[UUID, Pair], catalogue: CatalogueRows, sought: Sought) -> dict[UUID, Pair]:
    """Return the pairs without those with a part of an image that no longer may be alike."""
    regions = catalogue.by_point
    return {
        image_id: pair
        for image_id, pair in pairs.items()
        if pair.point_id not in regions or sought.takes(regions[pair.point_id])
    }


@search_stage("verify")
def _prove(query: StoredQuery, found: _FoundHits, *, ends_at: float) -> FoundCopies | None:
    """Return the copies of each part; None where they could not be checked at all."""
    asked = [
        ComparedRegion(part.region.box, tuple(found.catalogue.candidates(pairs)))
        for part, pairs in zip(found.parts, found.compared, strict=True)
    ]
    try:
        return query_worker.find_copies(
            query,
            asked,
            max_near_identical=2 * found.limit,
            hidden_albums=tuple(found.sought.hidden_albums),
            timeout_s=max(_MIN_COPIES_TIMEOUT_S, ends_at - time.perf_counter()),
        )
    except (TransientError, DefectError) as error:  # hits by score alone are worth showing
        is_ours = isinstance(error, DefectError)
        logger.warning("copies were not checked", extra={"code": error.code}, exc_info=is_ours)
        return None


def _groups(
    found: _FoundHits,
    proofs: FoundCopies | None,
    picture: QueryPicture,
    version: EncoderVersion,
) -> tuple[Group, ...]:
    """Return the images of each part, in their order: by proofs where there are any, and score."""
    copies: Sequence[Sequence[Copy]] = [()] * len(found.parts)
    are_checked: Sequence[bool] = [False] * len(found.parts)
    unchecked_ids: Sequence[Sequence[int]] = [()] * len(found.parts)
    hashes: Sequence[RegionHash | None] = [None] * len(found.parts)
    if proofs is not None:
        copies, are_checked = proofs.copies, proofs.are_checked
        unchecked_ids, hashes = proofs.unchecked_ids, proofs.hashes
    catalogue = with_copies(found.catalogue, copies, version, found.sought)
    return tuple(
        replace(
            rank(
                part,
                pairs,
                best_copies(those, catalogue, found.sought),
                catalogue.images,
                catalogue.by_point,
                query_sha256=picture.sha256,
                calibration=None if is_plain else version.calibration,
                is_plain=is_plain,
                are_copies_checked=is_checked,
                unchecked_images={catalogue.by_id[each].image_id for each in unchecked},
                limit=found.limit,
            ),
            pdq=pdq,
        )
        for part, pairs, is_plain, those, is_checked, unchecked, pdq in zip(
            found.parts,
            found.pairs,
            found.are_plain,
            copies,
            are_checked,
            unchecked_ids,
            hashes,
            strict=True,
        )
    )


def _copies_state(wait: Wait, groups: Sequence[Group]) -> CopiesState:
    if wait is Wait.HITS:
        return CopiesState.PENDING
    is_checked = all(group.are_copies_checked for group in groups)
    return CopiesState.CHECKED if is_checked else CopiesState.UNCHECKED


def facets_of(groups: Sequence[Group], chosen: Sequence[str]) -> tuple[Facet, ...]:
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
