"""PDQ: 256 bits that stay nearly the same when a picture is scaled, compressed or toned.

Source: Facebook, "The TMK+PDQF video-hashing algorithm and the PDQ image-hashing algorithm", 2019;
its own C++, through the package pdqhash.
"""

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
import pdqhash
from numpy.typing import NDArray

HASH_BITS = 256
HASH_BYTES = HASH_BITS // 8
# At most so many different bits, both pictures of at least this quality: the source's own advice.
NEAR_IDENTICAL_BITS = 31
MIN_QUALITY = 50
# The hash only sees 64 × 64 averages, and takes 1 s for 12 megapixels: the source shrinks first,
# to 512 px. A side stays 64 px where it can, below which the averages would repeat themselves.
_LONGEST_SIDE_PX = 512
_SHORTEST_SIDE_PX = 64


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
    """

    bits: int
    orientation: Orientation


def pdq_hash(picture: NDArray[np.uint8]) -> PdqHash:
    """Return a picture's hash and quality, in about 3 ms.

    Args:
        picture: (H, W, 3) uint8 RGB, upright, any size ≥ 1 px; not changed. Where a side is too
            short to be hashed the quality is 0.
    """
    return _hashed(_shrunk(picture))


def oriented_hashes(picture: NDArray[np.uint8]) -> tuple[PdqHash, NDArray[np.uint8]]:
    """Return the hashes of a query in all orientations, in about 25 ms.

    The picture itself is turned: PDQ can also derive the eight from one another, but its filter is
    not symmetric, and up to 24 of the 31 bits that near-identical pictures may differ in are lost.

    Args:
        picture: as for `pdq_hash`.

    Returns:
        The picture's own hash, as `pdq_hash` gives it, and (8, 32) uint8, rows in the order of
        `Orientation`.
    """
    upright = _shrunk(picture)
    mirrored = upright[:, ::-1]
    turned = [np.rot90(side, turns) for side in (upright, mirrored) for turns in range(4)]
    hashes = [_hashed(each) for each in turned]
    return hashes[0], np.stack([each.bits for each in hashes])


def distance(oriented: NDArray[np.uint8], other: NDArray[np.uint8]) -> HashDistance:
    """Return the distance of a query, however it is turned, to another picture.

    Args:
        oriented: (8, 32) uint8, of the query.
        other: (32,) uint8, the other picture's hash.
    """
    bits = np.bitwise_count(oriented ^ other).sum(axis=1)
    closest = int(bits.argmin())
    return HashDistance(int(bits[closest]), tuple(Orientation)[closest])


def _hashed(picture: NDArray[np.uint8]) -> PdqHash:
    bits, quality = pdqhash.compute(np.ascontiguousarray(picture))
    return PdqHash(np.packbits(bits.astype(np.uint8)), int(quality))


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
