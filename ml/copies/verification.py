"""Whether one picture shows a part of the other, and where: what an edited copy is.

Pairs of features (`matching`) propose a homography (`homography`), and then have to survive
checks that chance, a common logo and two pictures of the same thing fail for different reasons.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.copies import homography
from ml.copies.agreement import agreement
from ml.copies.features import LocalFeatures
from ml.copies.homography import Homography, map_points
from ml.copies.matching import match

# How far from its place a point may be mapped, of the candidate's longest side.
_TOLERANCE = 0.01
# Keypoints that share a place, of these many along the longest side, are one witness and not two.
_PLACES_ACROSS = 40

# The limits of the checks, set on copies and on pairs of different pictures, among them pairs that
# show the same kind of thing. `python -m ml evaluate --protocol edited-copies` measures both.
_FEWEST_INLIERS = 8
_FEWEST_PLACES = 6
_FOUND_AGAIN, _SHARE_FOUND_AGAIN = 5, 0.15
_LEAST_DEPTH_RATIO = 0.5
_MOST_ANISOTROPY = 2.5
_MOST_STRETCH = 20.0
_LEAST_OVERLAP = 0.2
_LEAST_AREA = 0.005
_LEAST_SPREAD = 0.03
_LEAST_AGREEMENT = 0.4


@dataclass(frozen=True, slots=True)
class Point:
    """A place in an upright picture: pixels from its upper left corner, x right, y down."""

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
    outline: tuple[Point, Point, Point, Point]
    agreement: float


@dataclass(frozen=True)
class _Proposal:
    """A homography and what the checks look at.

    Attributes:
        query: features, mirrored where mirroring is being tried.
        candidate: likewise, never mirrored.
        homography: between them.
        pairs: (K, 2), those that agree with it: place in the query, place in the candidate.
        query_overlap: share of the query's area that lies in the candidate.
        candidate_overlap: share of the candidate's area that the query covers.
        agreement: see `Placement`.
    """

    query: LocalFeatures
    candidate: LocalFeatures
    homography: Homography
    pairs: NDArray[np.intp]
    query_overlap: float = 0.0
    candidate_overlap: float = 0.0
    agreement: float = -1.0


def verify(query: LocalFeatures, candidate: LocalFeatures) -> Placement | None:
    """Return how the query lies in the candidate, or None if it is no edited copy of it.

    Found are crops, paddings, turns, mirroring, changes of size and proportion, text and stickers
    on top, and either picture inside the other, together with changes of colour, blur and
    compression. Five milliseconds a pair; both are symmetric but for rounding.

    Args:
        query: features of one picture.
        candidate: of the other, any size.
    """
    # Mirrored second, and only then: a symmetric thing fits both ways, and was not mirrored.
    for is_mirrored in (False, True):
        proposal = _proposal(query.mirrored() if is_mirrored else query, candidate)
        if proposal is not None:
            return _placement(proposal, is_mirrored=is_mirrored)
    return None


def _proposal(query: LocalFeatures, candidate: LocalFeatures) -> _Proposal | None:
    """Return the homography that passes every check, or None."""
    pairs = match(query, candidate)
    if len(pairs) < _FEWEST_INLIERS:
        return None
    fitted = homography.fit(
        query.points()[pairs[:, 0]],
        candidate.points()[pairs[:, 1]],
        size=(query.width, query.height),
        tolerance_px=_TOLERANCE * candidate.longest_side,
    )
    if fitted is None:
        return None
    proposal = _Proposal(query, candidate, fitted[0], pairs[fitted[1]])
    if not all(check(proposal) for check in _GEOMETRY_CHECKS):
        return None
    seen = _with_overlap(proposal)
    return seen if all(check(seen) for check in _OVERLAP_CHECKS) else None


def _has_enough_inliers(proposal: _Proposal) -> bool:
    """Four pairs always fit; each one more has to fall on its place by chance."""
    return len(proposal.pairs) >= _FEWEST_INLIERS


def _has_enough_places(proposal: _Proposal) -> bool:
    """Several keypoints on one corner of a letter agree with each other, and with anything."""
    return all(
        len(np.unique(np.rint(points * (_PLACES_ACROSS / side.longest_side)), axis=0))
        >= _FEWEST_PLACES
        for side, points in _inlier_points(proposal)
    )


def _is_seen_from_the_front(proposal: _Proposal) -> bool:
    """A copy is flat on the page: what recedes steeply was fitted to scattered points.

    It also makes the outline convex and without crossings: a map that keeps every corner in front
    of the viewer keeps straight lines and their order.
    """
    return proposal.homography.depth_ratio() >= _LEAST_DEPTH_RATIO


def _keeps_its_shape(proposal: _Proposal) -> bool:
    """Nobody can recognise what is squeezed to a strip, or finds it in a few pixels.

    A negative stretch is a mirror image among features that were not mirrored, which
    look otherwise.
    """
    most, least = proposal.homography.stretches()
    return least > 1 / _MOST_STRETCH and most < min(_MOST_STRETCH, _MOST_ANISOTROPY * least)


def _overlaps_enough(proposal: _Proposal) -> bool:
    """A good part of one of the two is in the other; a common corner alone makes no copy."""
    return max(proposal.query_overlap, proposal.candidate_overlap) >= _LEAST_OVERLAP and (
        min(proposal.query_overlap, proposal.candidate_overlap) >= _LEAST_AREA
    )


def _is_spread_over_the_overlap(proposal: _Proposal) -> bool:
    """A logo or a caption on two different pictures fits perfectly, but only in its own corner."""
    overlaps = (proposal.query_overlap, proposal.candidate_overlap)
    return all(
        cv2.contourArea(cv2.convexHull(points.astype(np.float32)))
        >= _LEAST_SPREAD * overlap * side.width * side.height
        for (side, points), overlap in zip(_inlier_points(proposal), overlaps, strict=True)
    )


def _finds_much_again(proposal: _Proposal) -> bool:
    """Of a copy much is found again; of another motorbike before the same wall, little is.

    Source: the form is that of Brown, Lowe, "Automatic panoramic image stitching using invariant
    features", IJCV 2007, section 3.2: so many, and a share of the features where both overlap.
    """
    inside = min(
        _count_inside(proposal.query, proposal.homography.matrix, proposal.candidate),
        _count_inside(proposal.candidate, proposal.homography.inverse_matrix(), proposal.query),
    )
    return len(proposal.pairs) >= _FOUND_AGAIN + _SHARE_FOUND_AGAIN * inside


def _looks_the_same(proposal: _Proposal) -> bool:
    """Laid on each other, the two pictures agree in their lights and darks."""
    return proposal.agreement >= _LEAST_AGREEMENT


_GEOMETRY_CHECKS: tuple[Callable[[_Proposal], bool], ...] = (
    _has_enough_inliers,
    _has_enough_places,
    _is_seen_from_the_front,
    _keeps_its_shape,
)
_OVERLAP_CHECKS: tuple[Callable[[_Proposal], bool], ...] = (
    _overlaps_enough,
    _is_spread_over_the_overlap,
    _finds_much_again,
    _looks_the_same,
)


def _inlier_points(
    proposal: _Proposal,
) -> tuple[tuple[LocalFeatures, NDArray[np.float64]], tuple[LocalFeatures, NDArray[np.float64]]]:
    """Return each side with the points of its inliers, (K, 2)."""
    query, candidate = proposal.query, proposal.candidate
    rows, columns = proposal.pairs.T
    return (query, query.points()[rows]), (candidate, candidate.points()[columns])


def _count_inside(side: LocalFeatures, matrix: NDArray[np.float64], other: LocalFeatures) -> int:
    """Return how many features of one picture a (3, 3) map puts inside the other."""
    points = map_points(matrix, side.points())
    is_inside = (points >= 0) & (points <= (other.width, other.height))
    return int(is_inside.all(axis=1).sum())


def _with_overlap(proposal: _Proposal) -> _Proposal:
    candidate = proposal.candidate
    query_share, candidate_share = proposal.homography.overlaps(candidate.width, candidate.height)
    return replace(
        proposal,
        query_overlap=query_share,
        candidate_overlap=candidate_share,
        agreement=agreement(proposal.query, candidate, proposal.homography),
    )


def _placement(proposal: _Proposal, *, is_mirrored: bool) -> Placement:
    corners = [Point(float(x), float(y)) for x, y in proposal.homography.outline()]
    if is_mirrored:  # the mirrored query's upper right corner is the query's upper left one
        corners = [corners[1], corners[0], corners[3], corners[2]]
    upper_left, upper_right, lower_right, lower_left = corners
    return Placement(
        inliers=len(proposal.pairs),
        is_mirrored=is_mirrored,
        query_overlap_percent=100 * proposal.query_overlap,
        candidate_overlap_percent=100 * proposal.candidate_overlap,
        outline=(upper_left, upper_right, lower_right, lower_left),
        agreement=proposal.agreement,
    )
