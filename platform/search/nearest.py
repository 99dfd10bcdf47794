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

    Raises:
        TransientError: the store is away, or the time is over.
    """
    middle = extracted.middle if settings.SEARCH_MIDDLE else None
    asked = extracted.embeddings.copy()
    if middle is not None:
        asked[0] = query_expansion.with_middle(asked[0], middle)
    found = _by_cosine(index, extracted, parts, where=where, limit=limit, left_s=left_s)
    near = {part.searched[0]: found[part.searched[0]] for part in parts}
    k = limit * _POINTS_AN_IMAGE
    if middle is not None and 0 in near:
        [near[0]] = index.search(asked[:1], k=k, where=where, timeout_s=left_s())
    expanded = _expanded(index, asked, near)
    if middle is not None and 0 in near:
        expanded.setdefault(0, asked[0])
    if not expanded:
        return found, found
    rows = list(expanded)
    queries = np.stack([expanded[row] for row in rows])
    others = index.search(queries, k=k, where=where, timeout_s=left_s())
    known = {row: {hit.point_id: hit for hit in found[row]} for row in rows}
    unknown = {
        hit.point_id
        for row, hits in zip(rows, others, strict=True)
        for hit in hits
        if hit.point_id not in known[row]
    }
    if unknown:  # which cosine they have with the query itself
        among = replace(where, point_ids=tuple(unknown))
        own = extracted.embeddings[rows]
        more = index.search(own, k=len(unknown), where=among, timeout_s=left_s())
        for row, hits in zip(rows, more, strict=True):
            known[row] |= {hit.point_id: hit for hit in hits}
    ordered = list(found)
    for row, hits in zip(rows, others, strict=True):
        there = [known[row][hit.point_id] for hit in hits if hit.point_id in known[row]]
        itself = [hit for hit in found[row] if hit.score >= query_expansion.ITSELF]
        order = dict.fromkeys(hit.point_id for hit in (*itself, *there, *found[row]))
        ordered[row] = _in_order([known[row][point_id] for point_id in order])
    return ordered, found


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
    index: VectorIndex, asked: NDArray[np.float32], near: dict[int, list[Hit]]
) -> dict[int, NDArray[np.float32]]:
    """Return region → its query, expanded by what is near it; of those without neighbours none."""
    most = min(settings.SEARCH_NEIGHBOURS, max(1, _MAX_NEIGHBOURS // len(near)))
    neighbours: dict[int, dict[UUID, float]] = {}
    for row, hits in near.items():
        best: dict[UUID, Hit] = {}
        for hit in hits:
            best.setdefault(hit.image_id, hit)
        weights = query_expansion.neighbour_weights([hit.score for hit in best.values()])[:most]
        points = (hit.point_id for hit in best.values())
        neighbours[row] = dict(zip(points, weights.tolist(), strict=False))
    ids = {point_id for each in neighbours.values() for point_id, weight in each.items() if weight}
    embeddings = index.embeddings(list(ids)) if ids else {}
    expanded = {}
    for row, each in neighbours.items():
        there = [point_id for point_id in each if point_id in embeddings]
        if there:
            rows = np.stack([embeddings[point_id] for point_id in there])
            weights = np.array([each[point_id] for point_id in there])
            expanded[row] = query_expansion.expanded(asked[row], rows, weights)
    return expanded


def _in_order(hits: Sequence[Hit]) -> list[Hit]:
    scores = query_expansion.scores_in_order(np.array([hit.score for hit in hits]))
    return [replace(hit, score=score) for hit, score in zip(hits, scores.tolist(), strict=True)]
