"""How one flat picture lies in another: eight numbers, fitted to pairs of points."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

# Four pairs of points fix a homography, so four prove nothing.
_MIN_PAIRS = 5
_ROUNDS = 500
_CONFIDENCE = 0.999
# The threshold that OpenCV's MAGSAC++ asks for ends its weights; what we accept ends twice as far.
_THRESHOLD_SHARE = 0.5


@dataclass(frozen=True, eq=False)
class Homography:
    """A map from the points of a query to those of a candidate, in the pixels of each.

    Attributes:
        matrix: (3, 3) float64, invertible, homogeneous; its sign makes depths positive where the
            middle of the query is.
        width: of the query, pixels.
        height: of the query, pixels.
    """

    matrix: NDArray[np.float64]
    width: int
    height: int

    def outline(self) -> NDArray[np.float64]:
        """Return (4, 2): where the query's corners lie in the candidate, and beyond its rim.

        Upper left, upper right, lower right, lower left of the query.
        """
        return map_points(self.matrix, rectangle(self.width, self.height))

    def inverse_matrix(self) -> NDArray[np.float64]:
        """Return the (3, 3) map from the candidate to the query."""
        return np.linalg.inv(self.matrix).astype(np.float64, copy=False)

    def depth_ratio(self) -> float:
        """Return the query's nearest corner's depth over its farthest's: 1 for a flat copy.

        0 or less: part of the query would lie behind the viewer, and the outline means nothing.
        """
        depths = _homogeneous(self.matrix, rectangle(self.width, self.height))[:, 2]
        return float(depths.min() / depths.max()) if depths.max() > 0 else -1.0

    @cached_property
    def stretches(self) -> tuple[float, float]:
        """The largest and the smallest growth of lengths at the query's middle, a factor.

        The second is negative where the map exchanges left and right.
        """
        middle = np.array([[self.width / 2, self.height / 2]])
        x, y, depth = _homogeneous(self.matrix, middle)[0]
        jacobian = (self.matrix[:2, :2] * depth - np.outer((x, y), self.matrix[2, :2])) / depth**2
        largest, smallest = np.linalg.svd(jacobian, compute_uv=False)
        return float(largest), float(np.copysign(smallest, np.linalg.det(jacobian)))

    def overlaps(self, width: int, height: int) -> tuple[float, float]:
        """Return the share of the query that the candidate shows, and of the candidate the query.

        Only for a map whose `depth_ratio` is above 0.

        Args:
            width: of the candidate, pixels.
            height: of the candidate, pixels.

        Returns:
            Shares of the area, 0..1.
        """
        polygon = _cut_to(self.outline(), width, height)
        if len(polygon) == 0:
            return 0.0, 0.0
        seen = map_points(self.inverse_matrix(), polygon)
        return (
            min(1.0, area(seen) / (self.width * self.height)),
            min(1.0, area(polygon) / (width * height)),
        )


def rectangle(width: int, height: int) -> NDArray[np.float64]:
    """Return (4, 2): the corners of a picture, clockwise from the upper left."""
    return np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)


def map_points(matrix: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (N, 2) points under a (3, 3) map; infinite or NaN on its horizon."""
    mapped = _homogeneous(matrix, points)
    with np.errstate(divide="ignore", invalid="ignore"):
        mapped_points: NDArray[np.float64] = mapped[:, :2] / mapped[:, 2:]
    return mapped_points


def area(polygon: NDArray[np.float64]) -> float:
    """Return the area of a polygon of (N, 2) points without crossings; 0 for fewer than three."""
    return float(cv2.contourArea(polygon.astype(np.float32)))


def fit(
    query: NDArray[np.float64],
    candidate: NDArray[np.float64],
    *,
    size: tuple[int, int],
    tolerance_px: float,
) -> tuple[Homography, NDArray[np.bool_]] | None:
    """Return the homography that most pairs of points agree with, and which do; None without one.

    The same pairs give the same answer.

    Args:
        query: (M, 2) points of the query.
        candidate: (M, 2), their partners.
        size: width and height of the query, pixels.
        tolerance_px: how far from its partner in the candidate a point may be mapped.

    Source: Barath et al., "MAGSAC++, a fast, reliable and accurate robust estimator", CVPR 2020, as
    OpenCV has it.
    """
    if len(query) < _MIN_PAIRS:
        return None
    matrix, _ = cv2.findHomography(
        query,
        candidate,
        cv2.USAC_MAGSAC,
        tolerance_px * _THRESHOLD_SHARE,
        maxIters=_ROUNDS,
        confidence=_CONFIDENCE,
    )
    if (
        matrix is None
        or not np.isfinite(matrix).all()
        or np.linalg.matrix_rank(matrix) < len(matrix)
    ):
        return None
    depth = matrix[2] @ (size[0] / 2, size[1] / 2, 1)
    if depth == 0:
        return None
    found = Homography(matrix / depth, *size)
    errors = np.linalg.norm(map_points(found.matrix, query) - candidate, axis=1)
    return found, errors < tolerance_px


def _cut_to(polygon: NDArray[np.float64], width: int, height: int) -> NDArray[np.float64]:
    """Return the part of a convex polygon of (N, 2) points that lies in 0..width and 0..height.

    OpenCV's `intersectConvexConvex` loses half of a polygon that lies within 1e-13 pixels on the
    frame, as the outline of an identical picture does.

    Source: Sutherland, Hodgman, "Reentrant polygon clipping", CACM 1974.
    """
    for axis, limit, side in ((0, 0, 1), (0, width, -1), (1, 0, 1), (1, height, -1)):
        polygon = _cut_at(polygon, side * (polygon[:, axis] - limit))
    return polygon


def _cut_at(polygon: NDArray[np.float64], depths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the part of a polygon of (N, 2) points where depths, (N,) at its points, are ≥ 0."""
    kept = []
    for index, (point, depth) in enumerate(zip(polygon, depths, strict=True)):
        before, depth_before = polygon[index - 1], depths[index - 1]
        if (depth < 0) != (depth_before < 0):
            kept.append(before + (point - before) * (depth_before / (depth_before - depth)))
        if depth >= 0:
            kept.append(point)
    return np.array(kept).reshape(-1, 2)


def _homogeneous(matrix: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack([points, np.ones(len(points))]) @ matrix.T
