"""Whether one picture shows a part of the other, and where: what an edited copy is.

Pairs of features (`matching`) propose a homography (`homography`), which then has to survive the
checks of `plausibility`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.copies import homography
from ml.copies.features import LocalFeatures
from ml.copies.matching import Matchable, MatchQuery, match
from ml.copies.plausibility import MIN_INLIERS, Proposal

# How far from its partner a point may be mapped, of the candidate's longest side.
_TOLERANCE = 0.01


@dataclass(frozen=True, slots=True)
class ImagePoint:
    """A position in an upright picture: pixels from its upper left corner, x right, y down."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Placement:
    """How a query lies in a candidate.

    Attributes:
        inliers: pairs of features that agree with it; the score, more is surer.
        is_mirrored: whether left and right are exchanged.
        query_overlap_percent: how much of the query's area the candidate shows, 0..100.
        candidate_overlap_percent: how much of the candidate's area the query shows, 0..100.
        outline: where the query's upper left, upper right, lower right and lower left corner lie in
            the candidate, in its pixels; beyond its rim where the query shows more.
        agreement: correlation of the two where they overlap, in a thumbnail's detail, -1..1.
    """

    inliers: int
    is_mirrored: bool
    query_overlap_percent: float
    candidate_overlap_percent: float
    outline: tuple[ImagePoint, ImagePoint, ImagePoint, ImagePoint]
    agreement: float


def verify(query: LocalFeatures, candidate: LocalFeatures) -> Placement | None:
    """Return how the query lies in the candidate, or None if it is no edited copy of it.

    Found are crops, paddings, turns, mirroring, changes of size and proportion, text and stickers
    on top, and either picture inside the other, together with changes of colour, blur and
    compression. About 1.5 ms for different pictures, 4 ms for copies.

    Args:
        query: features of one picture.
        candidate: of the other, any size.
    """
    proposal = propose(MatchQuery.of(query), Matchable.of(candidate))
    return placement_of(proposal) if proposal is not None and proposal.is_plausible else None


def propose(query: MatchQuery, candidate: Matchable) -> Proposal | None:
    """Return how the query lies in the candidate, or else how it may, or a part of both does.

    Only the first survives every check: `is_plausible` tells. None where nothing agrees.
    """
    # Mirrored second, and only then: a symmetric thing fits both ways, and was not mirrored.
    sides = query.as_it_is, query.mirrored
    second_best = None
    for side, pairs in zip(sides, match(query, candidate), strict=True):
        proposal = _proposal(side, candidate, pairs)
        if proposal is None:
            continue
        if proposal.is_plausible:
            return proposal
        if second_best is None and (proposal.is_nearly_plausible or proposal.shares_an_object):
            second_best = proposal
    return second_best


def count_agreeing(query: MatchQuery, candidate: Matchable) -> int:
    """Return how many features at most agree about how one picture may lie on the other.

    Whether they prove anything is not asked: `propose` needs `MIN_INLIERS` of them, and more.
    """
    ours = query.as_it_is, query.mirrored
    theirs = candidate.features
    return max(
        _count_inliers(side.features, theirs, pairs)
        for side, pairs in zip(ours, match(query, candidate), strict=True)
    )


def _count_inliers(ours: LocalFeatures, theirs: LocalFeatures, pairs: NDArray[np.intp]) -> int:
    fitted = homography.fit(
        ours.points()[pairs[:, 0]],
        theirs.points()[pairs[:, 1]],
        size=(ours.width, ours.height),
        tolerance_px=_TOLERANCE * theirs.longest_side,
    )
    return 0 if fitted is None else int(np.count_nonzero(fitted[1]))


def _proposal(query: Matchable, candidate: Matchable, pairs: NDArray[np.intp]) -> Proposal | None:
    if len(pairs) < MIN_INLIERS:
        return None
    ours, theirs = query.features, candidate.features
    fitted = homography.fit(
        ours.points()[pairs[:, 0]],
        theirs.points()[pairs[:, 1]],
        size=(ours.width, ours.height),
        tolerance_px=_TOLERANCE * theirs.longest_side,
    )
    if fitted is None:
        return None
    found, agrees = fitted
    return Proposal(ours, theirs, found, pairs[agrees])


def placement_of(proposal: Proposal) -> Placement:
    """Return how the query lies in the candidate."""
    is_mirrored = proposal.query.is_mirrored
    corners = [ImagePoint(float(x), float(y)) for x, y in proposal.homography.outline()]
    if is_mirrored:  # the mirrored query's upper right corner is the query's upper left one
        corners = [corners[1], corners[0], corners[3], corners[2]]
    upper_left, upper_right, lower_right, lower_left = corners
    query_share, candidate_share = proposal.overlaps
    return Placement(
        inliers=len(proposal.pairs),
        is_mirrored=is_mirrored,
        query_overlap_percent=100 * query_share,
        candidate_overlap_percent=100 * candidate_share,
        outline=(upper_left, upper_right, lower_right, lower_left),
        agreement=proposal.agreement,
    )
