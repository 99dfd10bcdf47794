"""The nearest points of each region of a query, in the order in which their images are shown."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from uuid import UUID

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from kernel.task_messages import ExtractedQuery
from ml.rules import query_expansion
from search.groups import QueryPart
from vectors.index import Hit, VectorIndex, Where

# Points asked for: several may belong to one image, and images being deleted drop out.
_POINTS_AN_IMAGE = 4
# How often a part asks again, where a few images took all ranks.
_MAX_REPEATS = 3
# Neighbours whose embeddings are read, of all parts together: a collage has few a panel.
_MAX_NEIGHBOURS = 40


def nearest(
    index: VectorIndex,
    extracted: ExtractedQuery,
    parts: Sequence[QueryPart],
    *,
    where: Where,
    limit: int,
    left_s: Callable[[], float],
    is_expanded: bool = True,
) -> tuple[list[list[Hit]], list[list[Hit]]]:
    """Return the nearest points of each searched region, as hits come, and by cosine alone.

    A part's own region is expanded by its nearest images, and by its middle where that is known
    (`ml.rules.query_expansion`): its hits are those of the expanded query, and then those of its
    own that this does not have. Their scores are the cosines of them all, dealt out in this order.
    What is the query itself stays first.

    Args:
        index: of the encoder version that `extracted` is of.
        extracted: the query.
        parts: of it.
        where: what points have to meet.
        limit: images that a part shows.
        left_s: returns how many seconds are left, and raises where none are.
        is_expanded: whether neighbours and middle decide as well; nobody has measured it of words.

    Raises:
        TransientError: the store is away, or the time is over.
    """
    found = _by_cosine(index, extracted, parts, where=where, limit=limit, left_s=left_s)
    if not is_expanded:
        return found, found
    k = limit * _POINTS_AN_IMAGE
    heads = [part.searched[0] for part in parts]
    asked, near = extracted.embeddings.copy(), {row: found[row] for row in heads}
    middle = _middle_of(extracted, parts)
    if middle is not None:
        [head] = heads
        asked[head] = query_expansion.with_middle(asked[head], middle)
        [near[head]] = index.search(asked[[head]], k=k, where=where, timeout_s=left_s())
    for row in heads:
        near[row] = _without_itself(near[row], found[row])
    expanded = _expanded(index, asked, near)
    if middle is not None:
        expanded.setdefault(head, asked[head])
    if not expanded:
        return found, found
    queries = np.stack(list(expanded.values()))
    others = index.search(queries, k=k, where=where, timeout_s=left_s())
    ordered = list(found)
    for row, hits in zip(expanded, others, strict=True):
        known = {hit.point_id: hit for hit in found[row]}
        new = tuple(hit.point_id for hit in hits if hit.point_id not in known)
        # Panels keep what they found, in another order: to ask for each again takes too long.
        if new and len(parts) == 1:
            own, among = extracted.embeddings[[row]], replace(where, point_ids=new)
            [more] = index.search(own, k=len(new), where=among, timeout_s=left_s())
            known |= {hit.point_id: hit for hit in more}
        ordered[row] = _in_order(found[row], hits, known)
    return ordered, found


def _middle_of(extracted: ExtractedQuery, parts: Sequence[QueryPart]) -> NDArray[np.float32] | None:
    """Return the middle of a picture without panels; that of a collage is no picture."""
    return extracted.middle if settings.SEARCH_MIDDLE and len(parts) == 1 else None


def _without_itself(near: Sequence[Hit], found: Sequence[Hit]) -> list[Hit]:
    """Return what is near a query but for itself, which says nothing more about it.

    Args:
        near: what is nearest to the query with its middle.
        found: what is nearest to the query.
    """
    itself = {hit.image_id for hit in found if _is_itself(hit)}
    return [hit for hit in near if hit.image_id not in itself]


def _by_cosine(
    index: VectorIndex,
    extracted: ExtractedQuery,
    parts: Sequence[QueryPart],
    *,
    where: Where,
    limit: int,
    left_s: Callable[[], float],
) -> list[list[Hit]]:
    """Return the nearest points of each searched region by cosine.

    Where a few images of many regions take all ranks, their part asks again without them.
    """
    k = limit * _POINTS_AN_IMAGE
    found = index.search(extracted.embeddings, k=k, where=where, timeout_s=left_s())
    for part in parts:
        full = [row for row in part.searched if len(found[row]) == k]
        for _ in range(_MAX_REPEATS):
            known = {hit.image_id for row in part.searched for hit in found[row]}
            if not full or len(known) >= limit:
                break
            where = replace(where, not_image_ids=tuple(known))
            asked = extracted.embeddings[full]
            more = index.search(asked, k=k, where=where, timeout_s=left_s())
            for row, hits in zip(full, more, strict=True):
                found[row] += hits
            full = [row for row, hits in zip(full, more, strict=True) if len(hits) == k]
    return found


def _expanded(
    index: VectorIndex,
    asked: NDArray[np.float32],
    near: dict[int, list[Hit]],
) -> dict[int, NDArray[np.float32]]:
    """Return region → its query, expanded by what is near it; of those without neighbours none.

    Args:
        index: the catalogue.
        asked: (R, D) queries of all regions.
        near: region → what is nearest to its query, the best first.
    """
    most = min(settings.SEARCH_NEIGHBOURS, max(1, _MAX_NEIGHBOURS // len(near)))
    neighbours: dict[int, dict[UUID, float]] = {}
    for row, hits in near.items():
        best: dict[UUID, Hit] = {}
        for hit in hits:
            best.setdefault(hit.image_id, hit)
        weights = query_expansion.neighbour_weights([hit.score for hit in best.values()])[:most]
        points = (hit.point_id for hit in best.values())
        neighbours[row] = dict(zip(points, weights.tolist(), strict=False))
    ids = {point_id for each in neighbours.values() for point_id in each}
    embeddings = index.embeddings(list(ids)) if ids else {}
    expanded = {}
    for row, each in neighbours.items():
        there = [point_id for point_id in each if point_id in embeddings]
        if there:
            rows = np.stack([embeddings[point_id] for point_id in there])
            weights = np.array([each[point_id] for point_id in there])
            expanded[row] = query_expansion.expanded(asked[row], rows, weights)
    return expanded


def _in_order(found: Sequence[Hit], others: Sequence[Hit], known: dict[UUID, Hit]) -> list[Hit]:
    """Return all known hits: the query itself, those of the expanded query, and the rest.

    Args:
        found: by the query's cosine.
        others: by that of the expanded query; those that are not known are left out.
        known: point → hit, with the query's cosine.
    """
    itself = (hit.point_id for hit in found if _is_itself(hit))
    by_expanded = (hit.point_id for hit in others if hit.point_id in known)
    order = dict.fromkeys([*itself, *by_expanded, *(hit.point_id for hit in found)])
    hits = [known[point_id] for point_id in order]
    scores = query_expansion.scores_in_order(np.array([hit.score for hit in hits]))
    return [replace(hit, score=score) for hit, score in zip(hits, scores.tolist(), strict=True)]


def _is_itself(hit: Hit) -> bool:
    return hit.score >= query_expansion.ITSELF
