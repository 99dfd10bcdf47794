"""What tells a photo in a box from flat page, text, drawings and parts of a photo."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.panels.seams import SNAP_PX, Seams
from ml.panels.sheet import FLAT, SHARP, Sheet
from ml.types import Box

# On dark canvas the colour of a photo's rim reaches a whole block of JPEG farther, at half the
# detail that light has. The share of edge from which a side is there.
_BLOCK_PX, _CLEAR = 8, 0.9
_AT_RIM_PX = 2  # of the sheet: a side this close to it lies on it
_SAMPLES = 16_000  # pixels of a box that are looked at: enough for shares to a percent
_LEVELS = 16  # bins of each channel: JPEG noise seldom leaves a bin of 16 grey levels
_RARE = 0.002  # share of the pixels: bins below are noise

FEATURES = (
    "weakest side",  # the sides' shares of straight edge; a side on the sheet's rim counts 1
    "second side",
    "third side",
    "strongest side",
    "sides on rim",
    "weakest own side",  # of those that are no sides of the region around
    "filled",  # share of the box that is no canvas; 1 where the box was cut
    "least covered side",
    "mean covered side",
    "flat",
    "sharp",
    "middling",  # neither
    "main colour",  # share of the commonest bin
    "two main colours",
    "colours",  # bins that are not rare
    "entropy",  # bits, of the bins
    "flat rows",  # share of rows that are flat all along: between lines of text
    "flat columns",
    "aspect",  # shorter side by longer
    "shorter side",  # pixels of the original
    "deviation",  # grey levels
    "textured",  # see `Sheet.textured`
)


@dataclass(frozen=True, slots=True)
class Outline:
    """A box with its sides moved to the straight edges beside them.

    Attributes:
        box: pixels of the work copy.
        sides: left, top, right, bottom: the share of the side with an edge, 0..1; None on the
            sheet's rim, where there is nothing to see.
        weakest_own: the least of those that are no sides of the region around; 1 for none.
    """

    box: Box
    sides: tuple[float | None, float | None, float | None, float | None]
    weakest_own: float

    @property
    def shares(self) -> tuple[float, ...]:
        """The sides' shares; one on the rim counts 1."""
        return tuple(1.0 if share is None else share for share in self.sides)


def snapped(sheet: Sheet, box: Box, region: Box) -> Outline:
    """Return the outline of a region's part whose sides lie within `SNAP_PX` of their edges."""
    height, width = sheet.gradient.shape
    left, left_share = _snap_upright(sheet.seams, box, box.x0, width)
    right, right_share = _snap_upright(sheet.seams, box, box.x1, width)
    top, top_share = _snap_level(sheet.seams, box, box.y0, height)
    bottom, bottom_share = _snap_level(sheet.seams, box, box.y1, height)
    sides = (left_share, top_share, right_share, bottom_share)
    ends = zip(
        (box.x0, box.y0, box.x1, box.y1), (region.x0, region.y0, region.x1, region.y1), strict=True
    )
    own = [
        share
        for (end, around), share in zip(ends, sides, strict=True)
        if share is not None and abs(end - around) > SNAP_PX
    ]
    return Outline(Box(left, top, right, bottom), sides, min(own, default=1.0))


def panel_features(
    sheet: Sheet, outline: Outline, *, covered: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return (F,) float32, see `FEATURES`.

    Args:
        sheet: the picture.
        outline: at least 4 px wide and high.
        covered: (5,) float32, 0..1: how much of the box, and of its four sides, is no canvas.
    """
    box = outline.box
    sides = np.sort(outline.shares)
    long, short = max(box.width, box.height), min(box.width, box.height)
    texture, deviation = _texture(sheet, box)
    values = [
        *sides,
        sum(share is None for share in outline.sides),
        outline.weakest_own,
        covered[0],
        covered[1:].min(),
        covered[1:].mean(),
        *texture,
        short / long,
        short / sheet.scale,
        deviation,
        sheet.textured_px(box) / (box.width * box.height),
    ]
    return np.array(values, np.float32)


def coverage(mask: NDArray[np.uint8], region: Box, box: Box) -> NDArray[np.float32]:
    """Return (5,) float32: the share of content in a box, and along its four sides.

    Args:
        mask: (H, W) uint8 of the region, 1 is content.
        region: which part of the sheet the mask is.
        box: inside the region, in pixels of the sheet.
    """
    part = mask[box.y0 - region.y0 : box.y1 - region.y0, box.x0 - region.x0 : box.x1 - region.x0]
    rim = max(2, min(part.shape) // 40)
    lines = (part[:, :rim], part[:rim].T, part[:, -rim:], part[-rim:].T)
    shares = [float(part.mean()), *(float(line.max(axis=1).mean()) for line in lines)]
    return np.array(shares, np.float32)


def _snap_upright(seams: Seams, box: Box, x: int, width: int) -> tuple[int, float | None]:
    if x <= _AT_RIM_PX or x >= width - _AT_RIM_PX:
        return (0 if x <= _AT_RIM_PX else width), None

    def strongest(reach: int) -> tuple[int, float]:
        around = Box(max(1, x - reach), box.y0, min(width - 1, x + reach), box.y1)
        return _strongest(around.x0, seams.columns(around), seams.column_steps(around))

    return _near_or_farther(strongest)


def _snap_level(seams: Seams, box: Box, y: int, height: int) -> tuple[int, float | None]:
    if y <= _AT_RIM_PX or y >= height - _AT_RIM_PX:
        return (0 if y <= _AT_RIM_PX else height), None

    def strongest(reach: int) -> tuple[int, float]:
        around = Box(box.x0, max(1, y - reach), box.x1, min(height - 1, y + reach))
        return _strongest(around.y0, seams.rows(around), seams.row_steps(around))

    return _near_or_farther(strongest)


def _near_or_farther(strongest: Callable[[int], tuple[int, float]]) -> tuple[int, float]:
    """Return the edge near a side; where there is none, a clear one a JPEG block away."""
    near = strongest(SNAP_PX)
    if near[1] >= _CLEAR:
        return near
    farther = strongest(_BLOCK_PX)
    return farther if farther[1] >= _CLEAR else near


def _strongest(
    start: int, shares: NDArray[np.float32], steps: NDArray[np.float32]
) -> tuple[int, float]:
    """Return the highest step among the places whose share is nearly the best, and the share."""
    best = float(shares.max())
    return start + int(np.where(shares >= best - 0.1, steps, -1).argmax()), best


def _inner(box: Box) -> tuple[slice, slice]:
    """Return the box without its outermost pixels, which mix with what is beside them."""
    return slice(box.y0 + 1, box.y1 - 1), slice(box.x0 + 1, box.x1 - 1)


def _sampled(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an even sample of the pixels of a box."""
    step = max(1, int((values.shape[0] * values.shape[1] / _SAMPLES) ** 0.5))
    size = (-(-values.shape[1] // step), -(-values.shape[0] // step))
    # A quarter of the time of slices with a step.
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_NEAREST), np.uint8)


def _texture(sheet: Sheet, box: Box) -> tuple[list[float], float]:
    """Return what flatness, sharpness, colours and lines tell, and the deviation."""
    gradient = sheet.gradient[_inner(box)]
    sampled = _sampled(gradient)
    flat = np.count_nonzero(sampled <= FLAT) / sampled.size
    sharp = np.count_nonzero(sampled > SHARP) / sampled.size
    pixels = _sampled(sheet.pixels[_inner(box)])
    counts = cv2.calcHist([pixels], [0, 1, 2], None, [_LEVELS] * 3, [0, 256] * 3)
    shares = np.sort(counts[counts > 0])[::-1] / sampled.size
    rows, columns = gradient.max(axis=1), gradient.max(axis=0)
    return [
        flat,
        sharp,
        1.0 - flat - sharp,
        float(shares[0]),
        float(shares[:2].sum()),
        float((shares > _RARE).sum()),
        float(-(shares * np.log2(shares)).sum()),
        np.count_nonzero(rows <= 3 * FLAT) / rows.size,
        np.count_nonzero(columns <= 3 * FLAT) / columns.size,
    ], float(cv2.meanStdDev(pixels)[1].max())
