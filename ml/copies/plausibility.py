"""Whether a fitted homography is an edited copy, or chance, a common logo, or a thing alike.

Every check turns away what the others let pass, and says what that is. Their limits were set on
copies and on pairs of different pictures, among them pairs that show the same kind of thing;
`python -m ml evaluate --protocol edited-copies` measures both.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.copies.agreement import agreement
from ml.copies.features import LocalFeatures
from ml.copies.homography import Homography, map_points

# Different pictures reached 8 in 8 of 100,000 random pairs, before any other check.
MIN_INLIERS = 8
# Of a thing before two grounds 7 in 10 pairs have so many; of 3,000 random pairs none, of 1,500
# pairs of photos of one kind of thing 14.
MIN_SHARED_INLIERS = 12
# Of either picture: a maker's mark in a corner is in all of its pictures.
_MIN_SHARED_AREA = 0.02
# Keypoints that share a position, of so many along the longest side, are one witness and not two.
_POSITIONS_ACROSS, _MIN_POSITIONS = 40, 6
# Measured copies keep 0.7, blurred ones with few inliers; a photo of a page taken askew about 0.6.
_MIN_DEPTH_RATIO = 0.5
# 4:3 squeezed into 3:4 is 1.8; SIFT itself finds little beyond 2.5, and nothing 20 times smaller.
_MAX_ANISOTROPY, _MAX_STRETCH = 2.5, 20.0
# Shares of a picture's area.
_MIN_OVERLAP, _MIN_AREA = 0.2, 0.005
# Share of the overlap that the inliers reach around; copies with little texture come down to 0.08.
_MIN_SPREAD = 0.03
# Copies that are not blurred have a share of 0.2 and more, different motorbikes 0.15 and less.
_FOUND_AGAIN, _SHARE_FOUND_AGAIN = 5, 0.15
# Fine texture under a caption or at half the size is found again at 43 of 377 positions and less,
# but so many at once, in pictures that agree so well, no two motorbikes have: 32 at most.
_FOUND_ANYWAY, _AGREEMENT_ANYWAY = 40, 0.8
# So many tell by themselves where two pictures agree.
_MANY_INLIERS = 40
# 98 of 100 measured copies of every kind reach 0.54.
_MIN_AGREEMENT = 0.4


@dataclass(frozen=True, eq=False)
class Proposal:
    """A homography and the pairs that agree with it; what several checks ask is computed once.

    Attributes:
        query: features, mirrored where mirroring is being tried.
        candidate: features, never mirrored.
        homography: between them.
        pairs: (K, 2), those that agree with it: index in the query, index in the candidate.
    """

    query: LocalFeatures
    candidate: LocalFeatures
    homography: Homography
    pairs: NDArray[np.intp]

    @cached_property
    def is_plausible(self) -> bool:
        """Whether it survives every check, the cheap ones first."""
        return self.is_nearly_plausible and all(check(self) for check in WITNESS_CHECKS)

    @cached_property
    def is_nearly_plausible(self) -> bool:
        """Whether it does but for how much is found again, and where.

        On thin lines and dots little is, and within another picture only the strongest corners.
        """
        return all(check(self) for check in CHECKS if check not in WITNESS_CHECKS)

    @cached_property
    def shares_an_object(self) -> bool:
        """Whether so much agrees that a thing or a printed part is in both, whatever is not."""
        return (
            len(self.pairs) >= MIN_SHARED_INLIERS
            and all(check(self) for check in SHAPE_CHECKS)
            and all(
                _reach(points) >= _MIN_SHARED_AREA * side.width * side.height
                for side, points in self.inlier_points
            )
        )

    @cached_property
    def overlaps(self) -> tuple[float, float]:
        """Which share of the query, and of the candidate, both show: 0..1."""
        return self.homography.overlaps(self.candidate.width, self.candidate.height)

    @cached_property
    def agreement(self) -> float:
        """How well the pictures agree where they overlap, -1..1.

        Of many inliers only where they lie: a thing that is cut out has another ground.
        """
        is_cut_out = len(self.pairs) >= _MANY_INLIERS
        within = self.inlier_points[1][1] if is_cut_out else None
        return agreement(self.query, self.candidate, self.homography, within=within)

    @cached_property
    def inlier_points(
        self,
    ) -> tuple[
        tuple[LocalFeatures, NDArray[np.float64]], tuple[LocalFeatures, NDArray[np.float64]]
    ]:
        """Each side with the points of its inliers, (K, 2)."""
        rows, columns = self.pairs.T
        return (
            (self.query, self.query.points()[rows]),
            (self.candidate, self.candidate.points()[columns]),
        )


def has_enough_inliers(proposal: Proposal) -> bool:
    """Four pairs always fit; each one more has to fall on its partner by chance."""
    return len(proposal.pairs) >= MIN_INLIERS


def has_enough_positions(proposal: Proposal) -> bool:
    """Several keypoints on one corner of a letter agree with each other, and with anything."""
    for side, points in proposal.inlier_points:
        positions = np.rint(points * (_POSITIONS_ACROSS / side.longest_side)).astype(np.intp)
        # One number a position: numpy takes far longer to tell rows apart.
        if len(np.unique(positions @ (2 * _POSITIONS_ACROSS, 1))) < _MIN_POSITIONS:
            return False
    return True


def is_seen_from_the_front(proposal: Proposal) -> bool:
    """A copy is flat on the page: what recedes steeply was fitted to scattered points.

    It also makes the outline convex and without crossings: a map that keeps every corner in front
    of the viewer keeps straight lines and their order.
    """
    return proposal.homography.depth_ratio() >= _MIN_DEPTH_RATIO


def keeps_its_shape(proposal: Proposal) -> bool:
    """Nobody can recognise what is squeezed to a strip, or finds it in a few pixels.

    A negative stretch is a mirror image among features that were not mirrored, which
    look otherwise.
    """
    largest, smallest = proposal.homography.stretches
    return smallest > 1 / _MAX_STRETCH and largest < min(_MAX_STRETCH, _MAX_ANISOTROPY * smallest)


def overlaps_enough(proposal: Proposal) -> bool:
    """A good part of one of the two is in the other; a common corner alone makes no copy."""
    shares = proposal.overlaps
    return max(shares) >= _MIN_OVERLAP and min(shares) >= _MIN_AREA


def is_spread_over_the_overlap(proposal: Proposal) -> bool:
    """A logo or a caption on two different pictures fits perfectly, but only in its own corner."""
    return all(
        _reach(points) >= _MIN_SPREAD * share * side.width * side.height
        for (side, points), share in zip(proposal.inlier_points, proposal.overlaps, strict=True)
    )


def finds_much_again(proposal: Proposal) -> bool:
    """Of a copy much is found again; of another motorbike before the same wall, little is.

    Source: the form is that of Brown, Lowe, "Automatic panoramic image stitching using invariant
    features", IJCV 2007, section 3.2: so many, and a share of the features where both overlap.
    """
    count = len(proposal.pairs)
    if count >= _FOUND_ANYWAY and proposal.agreement >= _AGREEMENT_ANYWAY:
        return True
    inside = min(
        _count_inside(proposal.query, proposal.homography.matrix, proposal.candidate),
        _count_inside(proposal.candidate, proposal.homography.inverse_matrix(), proposal.query),
    )
    return count >= _FOUND_AGAIN + _SHARE_FOUND_AGAIN * inside


def looks_the_same(proposal: Proposal) -> bool:
    """Laid on each other, the two pictures agree in their lights and darks."""
    return proposal.agreement >= _MIN_AGREEMENT


# Overlaps mean something only where the query is seen from the front and keeps its shape.
SHAPE_CHECKS: tuple[Callable[[Proposal], bool], ...] = (
    has_enough_positions,
    is_seen_from_the_front,
    keeps_its_shape,
)
# What pixels can stand in for, where they are the same.
WITNESS_CHECKS: tuple[Callable[[Proposal], bool], ...] = (
    is_spread_over_the_overlap,
    finds_much_again,
)
CHECKS: tuple[Callable[[Proposal], bool], ...] = (
    has_enough_inliers,
    *SHAPE_CHECKS,
    overlaps_enough,
    *WITNESS_CHECKS,
    looks_the_same,
)


def _reach(points: NDArray[np.float64]) -> float:
    """Return the area that (K, 2) points reach around."""
    return float(cv2.contourArea(cv2.convexHull(points.astype(np.float32))))


def _count_inside(side: LocalFeatures, matrix: NDArray[np.float64], other: LocalFeatures) -> int:
    """Return how many features of one picture a (3, 3) map puts inside the other."""
    points = map_points(matrix, side.points())
    is_inside = (points >= 0) & (points <= (other.width, other.height))
    return int(is_inside.all(axis=1).sum())
