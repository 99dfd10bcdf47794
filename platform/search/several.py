"""A search with several pictures, or with words: what is like all of these, and not like those."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any
from uuid import UUID

from django.conf import settings

from catalog.selectors import get_live_encoder
from catalog.visibility import Viewer
from kernel.errors import UserInputError
from search import services
from search.asked_pictures import AskedPicture
from search.fusion import Likeness, fused
from search.groups import MAX_HITS, Group, ImageHit
from search.question import Filters, Question, Sort, Wait
from search.services import CopiesState, Facet, FoundByWords, SearchResult
from search.sorting import in_order
from search.verdicts import (
    SameSubjectMark,
    Verdict,
    by_score,
    curve_of,
    probability,
    same_subject_mark,
)

# Of all pictures together: each is a search of its own.
MAX_PICTURES = 8
# Images that each of them may find, before what they have in common is known.
_REACH = 96


@dataclass(frozen=True, slots=True)
class SeveralQuestion:
    """What a person searches with, where it is not one picture.

    Attributes:
        these: pictures that the images should be like.
        unlike: pictures that they should not be like.
        words: that they should fit; "" is none.
        filters: which images may be found.
        sort: their order.
        wait: what of the answer is waited for.
    """

    these: tuple[Question, ...]
    unlike: tuple[Question, ...] = ()
    words: str = ""
    filters: Filters = field(default_factory=Filters)
    sort: Sort = Sort.VERDICT
    wait: Wait = Wait.PROOFS


@dataclass(frozen=True, slots=True)
class SeveralResult:
    """The answer to a search with several pictures, or with words.

    Attributes:
        question: what was asked.
        these: the pictures that the images should be like.
        unlike: those that they should not be like.
        group: the images, best first; their `score` is that of `search.fusion`.
        pictures: image → which of `these`, from 0, it is most like, or a copy of; none of them
            where words alone found it.
        left_out: images that are copies of `unlike`, and are therefore not shown.
        mark: where "same subject" begins; None where it is never said.
        facets: objects in the images found, the commonest first.
        copies: whether copies are told.
        model_ms: what decoding and the models took, and proving copies.
        total_ms: the whole search.
    """

    question: SeveralQuestion
    these: tuple[AskedPicture, ...]
    unlike: tuple[AskedPicture, ...]
    group: Group
    pictures: Mapping[UUID, int]
    left_out: int
    mark: SameSubjectMark | None
    facets: tuple[Facet, ...]
    copies: CopiesState
    model_ms: float
    total_ms: float


def search(question: SeveralQuestion, viewer: Viewer) -> SeveralResult:
    """Find the images most like all of these pictures, and words, that a person may see.

    Raises:
        UserInputError: "search:user:too-many-pictures", "search:user:none-liked",
            "search:user:no-words", and what `services.search` raises for each picture.
        GoneError, TransientError, DefectError: as `services.search`.
    """
    started = time.perf_counter()
    ends_at = started + settings.SEARCH_TIMEOUT_S
    check(question)
    version = get_live_encoder()
    if question.words and not version.knows_words:
        raise UserInputError("search:user:no-words")
    liked, disliked = (
        [services.search(each, viewer, reach=_REACH, ends_at=ends_at) for each in pictures]
        for pictures in (question.these, question.unlike)
    )
    by_words = None
    if question.words:
        by_words = services.search_words(
            question.words, question.filters, viewer, reach=_REACH, ends_at=ends_at
        )
    is_plain = any(group.is_plain for each in liked for group in each.groups)
    # Of plain pictures a score says nothing, and what one of words means was never measured.
    calibration = None if is_plain or question.words else version.calibration
    hits, pictures, left_out = _ranked(liked, disliked, by_words, calibration)
    [group] = in_order([_group(hits, liked, disliked)], question.sort)
    return SeveralResult(
        question=question,
        these=tuple(each.asked for each in liked),
        unlike=tuple(each.asked for each in disliked),
        group=group,
        pictures=MappingProxyType(pictures),
        left_out=left_out,
        mark=same_subject_mark(calibration),
        facets=services.facets_of([group], question.filters.labels),
        copies=_copies_state(question.wait, [*liked, *disliked]),
        model_ms=sum(each.model_ms for each in (*liked, *disliked))
        + (0.0 if by_words is None else by_words.model_ms),
        total_ms=(time.perf_counter() - started) * 1000,
    )


def check(question: SeveralQuestion) -> None:
    """Refuse what cannot be asked.

    Raises:
        UserInputError: "search:user:too-many-pictures" or "search:user:none-liked".
    """
    if len(question.these) + len(question.unlike) > MAX_PICTURES:
        raise UserInputError("search:user:too-many-pictures", most=MAX_PICTURES)
    if not question.these and not question.words:
        raise UserInputError("search:user:none-liked")


def _ranked(
    liked: Sequence[SearchResult],
    disliked: Sequence[SearchResult],
    by_words: FoundByWords | None,
    calibration: Mapping[str, Any] | None,
) -> tuple[list[ImageHit], dict[UUID, int], int]:
    """Return the images best first, which picture each is most like, and how many are left out."""
    these = [_best_hits(each.groups) for each in liked]
    unlike = [_best_hits(each.groups) for each in disliked]
    words = {} if by_words is None else _best_hits([by_words.group])
    # A copy of what nobody wants to see is not shown, and neither is the picture itself.
    refused = {
        image_id for hits in unlike for image_id, hit in hits.items() if hit.verdict.is_proved
    }
    alike = [_likeness(hits) for hits in these]
    if by_words is not None:
        alike.append(replace(_likeness(words), is_of_words=True))
    hits, pictures = [], {}
    for image_id, score in fused(alike, [_likeness(each) for each in unlike]).items():
        if image_id in refused:
            continue
        found = {number: each[image_id] for number, each in enumerate(these) if image_id in each}
        if found:
            pictures[image_id] = min(found, key=lambda number: _order(found[number]))
        best = found[pictures[image_id]] if found else words[image_id]
        hits.append(_judged(best, score, calibration))
    found_anyhow = {image_id for each in (*these, words) for image_id in each}
    return sorted(hits, key=_order)[:MAX_HITS], pictures, len(refused & found_anyhow)


def _best_hits(groups: Sequence[Group]) -> dict[UUID, ImageHit]:
    """Return image → its best hit in any part of a picture."""
    best: dict[UUID, ImageHit] = {}
    for hit in (hit for group in groups for hit in group.hits):
        known = best.get(hit.image.pk)
        if known is None or _order(hit) < _order(known):
            best[hit.image.pk] = hit
    return best


def _likeness(hits: Mapping[UUID, ImageHit]) -> Likeness:
    # What was found by its hash alone is nearly the picture itself.
    scores = {pk: 1.0 if hit.score is None else hit.score for pk, hit in hits.items()}
    return Likeness(scores, floor=min(scores.values(), default=0.0))


def _judged(hit: ImageHit, score: float, calibration: Mapping[str, Any] | None) -> ImageHit:
    """Return a hit with what all that was asked says of it; what pixels say of it stays."""
    is_shared = hit.copy is not None or hit.verdict is Verdict.IDENTICAL
    return replace(
        hit,
        score=score,
        probability=probability(score, curve_of(calibration)),
        verdict=hit.verdict if is_shared else by_score(score, calibration),
    )


def _order(hit: ImageHit) -> tuple[int, float, UUID]:
    score = 1.0 if hit.score is None else hit.score
    return min(hit.verdict.rung, Verdict.SAME_SUBJECT.rung), -score, hit.image.pk


def _group(
    hits: Sequence[ImageHit], liked: Sequence[SearchResult], disliked: Sequence[SearchResult]
) -> Group:
    groups = [group for each in (*liked, *disliked) for group in each.groups]
    return Group(
        region=services.NO_REGION,
        hits=tuple(replace(hit, rank=position) for position, hit in enumerate(hits, start=1)),
        is_plain=bool(liked) and all(group.is_plain for each in liked for group in each.groups),
        are_copies_checked=all(group.are_copies_checked for group in groups),
    )


def _copies_state(wait: Wait, results: Sequence[SearchResult]) -> CopiesState:
    if not results:  # words have no copies
        return CopiesState.CHECKED
    if wait is Wait.HITS:
        return CopiesState.PENDING
    is_checked = all(each.are_copies_checked for each in results)
    return CopiesState.CHECKED if is_checked else CopiesState.UNCHECKED
