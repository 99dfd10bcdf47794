"""PDQ: 256 bits that stay nearly the same when a picture is scaled, compressed or toned.

Source: Facebook, "The TMK+PDQF video-hashing algorithm and the PDQ image-hashing algorithm", 2019.
The bits are those of its C++ reference, in less than half its time.
"""

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.rules.hash_distance import HASH_BYTES, MIN_QUALITY

HASH_BITS = 8 * HASH_BYTES
# At most so many different bits, both pictures of `MIN_QUALITY`: the source's own advice.
NEAR_IDENTICAL_BITS = 31
# The hash only sees 64 × 64 averages, and takes 1 s for 12 megapixels: the source shrinks first,
# to 512 px. A side stays 64 px where it can, below which the averages would repeat themselves.
_LONGEST_SIDE_PX = 512
_SHORTEST_SIDE_PX = 64
# Source: the reference, which gives shorter pictures no bits and no quality.
_SHORTEST_HASHED_PX = 5
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
# Averages a side, and cosines of them that become a side of the hash.
_AVERAGES, _COSINES = 64, 16
# How often neighbours are averaged, before a pixel is taken for all around it.
_ROUNDS = 2
_ROWS_AT_ONCE = 256
# Source: the reference. So many levels, summed over neighbouring averages, are a quality of 1.
_PERCENT, _PERCENT_PER_QUALITY, _BEST_QUALITY = np.float32(100 / 255), 90, 100


class Orientation(StrEnum):
    """What is done to an upright picture: the eight ways to lay a rectangle on its sides."""

    AS_IT_IS = "as it is"
    TURNED_LEFT = "turned left"
    UPSIDE_DOWN = "upside down"
    TURNED_RIGHT = "turned right"
    MIRRORED = "mirrored"
    MIRRORED_TURNED_LEFT = "mirrored, then turned left"
    MIRRORED_UPSIDE_DOWN = "mirrored, then turned upside down"
    MIRRORED_TURNED_RIGHT = "mirrored, then turned right"

    @property
    def corners(self) -> tuple[int, int, int, int]:
        """On which corner each corner of the picture then lies.

        Corners are numbered from the upper left, clockwise.
        """
        turns = tuple(Orientation).index(self) % 4
        if self.startswith("mirrored"):
            return (1 - turns) % 4, -turns % 4, (3 - turns) % 4, (2 - turns) % 4
        return -turns % 4, (1 - turns) % 4, (2 - turns) % 4, (3 - turns) % 4


@dataclass(frozen=True, slots=True, eq=False)
class PdqHash:
    """What a catalogue keeps of a picture.

    Attributes:
        bits: (32,) uint8, 256 bits, the most significant first, as PDQ's hexadecimal form has them.
        quality: 0..100, how much there is to hash.
    """

    bits: NDArray[np.uint8]
    quality: int

    @property
    def is_reliable(self) -> bool:
        """Whether there is enough in the picture for equal hashes to mean anything."""
        return self.quality >= MIN_QUALITY


@dataclass(frozen=True, slots=True)
class HashDistance:
    """How far two pictures' hashes are apart.

    Attributes:
        bits: 0..256 that differ, in the orientation that brings them closest.
        orientation: what has to be done to the query, for it to lie as the other picture does.
        is_negative: whether its lights and darks have to be exchanged as well.
    """

    bits: int
    orientation: Orientation
    is_negative: bool = False

    @property
    def is_near(self) -> bool:
        """Whether the pictures are the same to the hash."""
        return self.bits <= NEAR_IDENTICAL_BITS


def pdq_hash(picture: NDArray[np.uint8]) -> PdqHash:
    """Return a picture's hash and quality, in about 1.5 ms.

    Args:
        picture: (H, W, 3) uint8 RGB, upright, any size ≥ 1 px; not changed. Where a side is too
            short to be hashed the quality is 0.
    """
    return _hashed(_luma(picture))


def pdq_hash_of_all_pixels(picture: NDArray[np.uint8]) -> PdqHash:
    """Return the hash that others' tools make, who do not shrink pictures before.

    Up to 16 bits are others than in `pdq_hash`.

    Args:
        picture: (H, W, 3) uint8 RGB, upright, any size ≥ 1 px; not changed.
    """
    luma = np.empty(picture.shape[:2], np.float32)
    # Not all at once: its colours are 12 bytes a pixel.
    for start in range(0, len(luma), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        np.matmul(picture[rows].astype(np.float32), _LUMA, out=luma[rows])
    return _hashed(luma)


def oriented_hashes(picture: NDArray[np.uint8]) -> tuple[PdqHash, NDArray[np.uint8]]:
    """Return the hashes of a query in all orientations, in about 5 ms.

    The picture itself is turned: PDQ can also derive the eight from one another, but its filter is
    not symmetric, and up to 24 of the 31 bits that near-identical pictures may differ in are lost.

    Args:
        picture: as for `pdq_hash`.

    Returns:
        The picture's own hash, as `pdq_hash` gives it, and (8, 32) uint8, rows in the order of
        `Orientation`.
    """
    upright = _luma(picture)
    mirrored = upright[:, ::-1]
    turned = [np.rot90(side, turns) for side in (upright, mirrored) for turns in range(4)]
    hashes = [_hashed(each) for each in turned]
    return hashes[0], np.stack([each.bits for each in hashes])


def distance(oriented: NDArray[np.uint8], other: NDArray[np.uint8]) -> HashDistance:
    """Return the distance of a query, however it is turned, or of its negative to another picture.

    A negative's hash has every bit the other way: its cosines have the opposite signs.

    Args:
        oriented: (8, 32) uint8, of the query.
        other: (32,) uint8, the other picture's hash.
    """
    bits = np.bitwise_count(with_negatives(oriented) ^ other).sum(axis=1)
    is_negative, orientation = divmod(int(bits.argmin()), len(oriented))
    return HashDistance(int(bits.min()), tuple(Orientation)[orientation], bool(is_negative))


def with_negatives(oriented: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (16, 32): the hashes of a query in all orientations, then those of its negative."""
    return np.concatenate([oriented, ~oriented])


def _hashed(luma: NDArray[np.float32]) -> PdqHash:
    if min(luma.shape) < _SHORTEST_HASHED_PX:
        return PdqHash(np.zeros(HASH_BYTES, np.uint8), 0)
    averages = _averages(luma)
    cosines = _COSINE_ROWS @ averages @ _COSINE_ROWS.T
    # Half of all bits are set; of an even number, the lower of the two in the middle is the limit.
    limit = np.partition(cosines.ravel(), HASH_BITS // 2 - 1)[HASH_BITS // 2 - 1]
    return PdqHash(np.packbits((cosines > limit).ravel()[::-1]), _quality(averages))


def _quality(averages: NDArray[np.float32]) -> int:
    """Return 0..100, how much (64, 64) averages change from one to the next."""
    percents = sum(
        int(np.abs(np.trunc(np.diff(averages, axis=axis) * _PERCENT)).sum()) for axis in (0, 1)
    )
    return min(_BEST_QUALITY, percents // _PERCENT_PER_QUALITY)


def _averages(luma: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (64, 64) luma, each averaged from all around it.

    Args:
        luma: (H, W) float32; not changed.
    """
    height, width = luma.shape
    shares = 1 / np.outer(_counts(height), _counts(width))
    for _ in range(_ROUNDS):
        sums = cv2.boxFilter(
            luma,
            cv2.CV_32F,
            (_window(width), _window(height)),
            anchor=(_before(width), _before(height)),
            normalize=False,
            borderType=cv2.BORDER_CONSTANT,
        )
        luma = (sums * shares).astype(np.float32, copy=False)
    rows, columns = (
        ((np.arange(_AVERAGES) + 0.5) * side / _AVERAGES).astype(np.intp) for side in luma.shape
    )
    averages: NDArray[np.float32] = luma[np.ix_(rows, columns)]
    return averages


def _window(side_px: int) -> int:
    """Return how many pixels are averaged along a side of so many, ≥ 1."""
    return -(-side_px // (2 * _AVERAGES))


def _before(side_px: int) -> int:
    """Return how many of them lie before the pixel that gets their average."""
    return _window(side_px) - (_window(side_px) + 2) // 2


def _counts(side_px: int) -> NDArray[np.float32]:
    """Return (side_px,) how many there are at each pixel: fewer at the ends."""
    first = np.arange(side_px) - _before(side_px)
    counts = np.minimum(first + _window(side_px), side_px) - np.maximum(first, 0)
    return counts.astype(np.float32)


def _cosine_rows() -> NDArray[np.float32]:
    """Return the (16, 64) rows of the discrete cosine transform, from the second on."""
    frequencies, positions = np.arange(1, _COSINES + 1)[:, None], np.arange(_AVERAGES)
    angles = np.pi / (2 * _AVERAGES) * frequencies * (2 * positions + 1)
    cosines: NDArray[np.float32] = (np.sqrt(2 / _AVERAGES) * np.cos(angles)).astype(np.float32)
    return cosines


_COSINE_ROWS = _cosine_rows()


def _luma(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (H, W) float32 luma, 0..255, of a picture that is shrunk first."""
    luma: NDArray[np.float32] = _shrunk(picture).astype(np.float32) @ _LUMA
    return luma


def _shrunk(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture whose longer side has at most `_LONGEST_SIDE_PX`, the other in proportion.

    A side that would be too short to be hashed stays as long as it needs to be.
    """
    height, width = picture.shape[:2]
    scale = _LONGEST_SIDE_PX / max(width, height)
    if scale >= 1:
        return picture
    size = tuple(max(round(side * scale), min(side, _SHORTEST_SIDE_PX)) for side in (width, height))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
