"""Local features: where a picture has corners and blobs, and how each of them looks.

Source: Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 2004 (SIFT, as
OpenCV has it); Arandjelović, Zisserman, "Three things everyone should know to improve object
retrieval", CVPR 2012 (RootSIFT).

Points are in pixels of the upright picture, x right, y down, measured from its upper left corner:
the picture spans 0..width and 0..height, and the centre of its first pixel is (0.5, 0.5).
"""

import struct
import zlib
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.copies import keypoints
from ml.copies.keypoints import FINEST_BLUR, LAYERS, Keypoints
from ml.errors import DamagedFeatures

# A feature takes 136 bytes; a preview, beside them, 12 to 40 kB.
MAX_FEATURES = 600
THUMBNAIL_PX = 64
# Small print of a page keeps its words' shapes here.
PREVIEW_PX, _PREVIEW_QUALITY = 384, 80
# Larger pictures are shrunk to this area first: the time stays bounded, a long panorama keeps its
# height, and copies of very different sizes are extracted at scales that are alike.
_MAX_PIXELS = 512 * 400
# A keypoint's own surroundings reach this far: in less there is nothing to extract.
_SHORTEST_SIDE_PX = 16
# Histograms are taken at the keypoint's own blur, but from pixels as coarse as SIFT takes them at a
# third of an octave more: .8 of the time, a cosine of .991 to those of the finest pixels.
_COARSER_THIRDS = 1
_TURN_DEGREES = 360.0
_CELLS, _DIRECTIONS = 4, 8
# SIFT's histogram of 4 × 4 cells and 8 directions of a mirrored patch: its rows, which lie across
# the keypoint's direction, change ends, and so do the directions.
MIRRORED_BINS = (
    np.arange(_CELLS * _CELLS * _DIRECTIONS)
    .reshape(_CELLS, _CELLS, _DIRECTIONS)[::-1][:, :, -np.arange(_DIRECTIONS) % _DIRECTIONS]
    .ravel()
)

# Places in 65,535ths of the width and height, sizes in pixels, angles in 65,536ths of a turn.
_STEPS, _ANGLE_STEPS = 65535, 65536
_RECORD = np.dtype(
    [("x", "<u2"), ("y", "<u2"), ("size", "<f2"), ("angle", "<u2"), ("histogram", "u1", (128,))]
)
# Magic, width, height, thumbnail's width and height, number of features, bytes of the preview; at
# the end the CRC-32 of all before it.
_HEADER, _CHECKSUM = struct.Struct("<4sIIHHHI"), struct.Struct("<I")
# With the version: those of 1 were found in doubled pictures, and prove fewer crops beside these;
# those of 2 have no preview.
_MAGIC = b"SLF3"


@dataclass(frozen=True, slots=True, eq=False)
class LocalFeatures:
    """A picture's features, as they are cached.

    Attributes:
        width: of the upright picture, pixels, ≥ 1.
        height: of the upright picture, pixels, ≥ 1.
        records: (K,) structured, the strongest first; read them through the methods.
        thumbnail: (h, w) uint8 grey, longest side at most `THUMBNAIL_PX`.
        preview: a JPEG in colours, longest side at most `PREVIEW_PX`; see `preview_pixels`.
        is_mirrored: whether these are of the mirror image of what the preview shows.
        is_negative: whether the preview's lights and darks have to be exchanged.
    """

    width: int
    height: int
    records: NDArray[np.void]
    thumbnail: NDArray[np.uint8]
    preview: bytes
    is_mirrored: bool = False
    is_negative: bool = False

    def __len__(self) -> int:
        return len(self.records)

    @property
    def longest_side(self) -> int:
        """Pixels."""
        return max(self.width, self.height)

    def points(self) -> NDArray[np.float64]:
        """Return (K, 2) x and y of the features' centres."""
        steps = np.stack([self.records["x"], self.records["y"]], axis=1)
        return steps * (np.array([self.width, self.height]) / _STEPS)

    def sizes(self) -> NDArray[np.float64]:
        """Return (K,) diameters in pixels, > 0."""
        return self.records["size"].astype(np.float64)

    def angles(self) -> NDArray[np.float64]:
        """Return (K,) directions in degrees, 0..360, clockwise from the right."""
        return self.records["angle"] * (_TURN_DEGREES / _ANGLE_STEPS)

    def descriptors(self) -> NDArray[np.float32]:
        """Return (K, 128) float32 RootSIFT, rows of unit length: their dot product is a score."""
        histograms = self.records["histogram"].astype(np.float32)
        histograms /= np.maximum(histograms.sum(axis=1, keepdims=True), 1.0)
        return np.sqrt(histograms, out=histograms)

    def preview_pixels(self) -> NDArray[np.uint8]:
        """Return (h, w, 3) uint8 RGB of the preview, in half a millisecond.

        Raises:
            DamagedFeatures: it is none.
        """
        pixels = cv2.imdecode(np.frombuffer(self.preview, np.uint8), cv2.IMREAD_COLOR_RGB)
        if pixels is None:
            raise DamagedFeatures("The preview is damaged.", length=len(self.preview))
        shown = pixels.astype(np.uint8, copy=False)
        if self.is_negative:
            shown = ~shown
        return shown[:, ::-1] if self.is_mirrored else shown

    def mirrored(self) -> "LocalFeatures":
        """Return the features of the mirrored picture, without looking at it again.

        Source: the symmetry of SIFT's histogram; see Guo et al., "MIFT: a mirror reflection
        invariant feature descriptor", ACCV 2009, which reorders it in the same way.
        """
        records = self.records.copy()
        records["x"] = _STEPS - records["x"]
        records["angle"] = _ANGLE_STEPS // 2 - records["angle"].astype(np.int64) & _ANGLE_STEPS - 1
        records["histogram"] = records["histogram"][:, MIRRORED_BINS]
        return replace(
            self,
            records=records,
            thumbnail=self.thumbnail[:, ::-1],
            is_mirrored=not self.is_mirrored,
        )

    def to_bytes(self) -> bytes:
        """Return the features of an upright picture as bytes that `from_bytes` reads."""
        height, width = self.thumbnail.shape
        sizes = (self.width, self.height, width, height, len(self), len(self.preview))
        header = _HEADER.pack(_MAGIC, *sizes)
        data = header + self.records.tobytes() + self.thumbnail.tobytes() + self.preview
        return data + _CHECKSUM.pack(zlib.crc32(data))

    @classmethod
    def from_bytes(cls, data: bytes) -> "LocalFeatures":
        """Return what `to_bytes` was called on.

        Raises:
            DamagedFeatures: the bytes are of another kind or version, or damaged; extract again.
        """
        if len(data) < _HEADER.size + _CHECKSUM.size or data[: len(_MAGIC)] != _MAGIC:
            raise DamagedFeatures("These bytes are no local features of this version.")
        body = data[: -_CHECKSUM.size]
        if _CHECKSUM.unpack(data[-_CHECKSUM.size :])[0] != zlib.crc32(body):
            raise DamagedFeatures("The local features are damaged.", length=len(data))
        _, width, height, *small, count, preview_bytes = _HEADER.unpack_from(body)
        middle = _HEADER.size + count * _RECORD.itemsize
        end = middle + small[0] * small[1]
        if len(body) != end + preview_bytes:
            raise DamagedFeatures("The local features are of another length.", length=len(data))
        records = np.frombuffer(body, _RECORD, count=count, offset=_HEADER.size)
        thumbnail = np.frombuffer(body[middle:end], np.uint8).reshape(small[1], small[0])
        return cls(width, height, records, thumbnail, body[end:])


def extract(picture: NDArray[np.uint8], *, is_spread: bool = False) -> LocalFeatures:
    """Return the strongest features of a picture, in about 18 ms for 640 × 480 pixels or more.

    Args:
        picture: (H, W, 3) uint8 RGB, upright, any size ≥ 1 px; not changed. Without texture, or
            shorter than 16 px, it has none.
        is_spread: see `keypoints.detect`.
    """
    height, width = picture.shape[:2]
    full = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY).astype(
        np.uint8, copy=False
    )
    grey = shrunk(full, (_MAX_PIXELS / full.size) ** 0.5)
    thumbnail = shrunk(grey, THUMBNAIL_PX / max(grey.shape))
    scales = (width / grey.shape[1], height / grey.shape[0])
    records = _records(grey, scales, is_spread=is_spread)
    return LocalFeatures(width, height, records, thumbnail, _preview(picture))


def _preview(picture: NDArray[np.uint8]) -> bytes:
    small = shrunk(picture, PREVIEW_PX / max(picture.shape[:2]))
    options = [cv2.IMWRITE_JPEG_QUALITY, _PREVIEW_QUALITY]
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), options)
    return encoded.tobytes()


def shrunk(pixels: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    """Return grey or coloured pixels in this share of their size, never larger."""
    if factor >= 1:
        return pixels
    size = [max(1, round(side * factor)) for side in pixels.shape[1::-1]]
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _records(
    grey: NDArray[np.uint8], scales: tuple[float, float], *, is_spread: bool
) -> NDArray[np.void]:
    """Return the strongest features of a grey picture, in pixels of one that is larger."""
    if min(grey.shape) < _SHORTEST_SIDE_PX:
        return np.empty(0, _RECORD)
    found = keypoints.detect(grey, limit=MAX_FEATURES, is_spread=is_spread)
    records = np.empty(len(found), _RECORD)
    if len(found) == 0:
        return records
    points = (found.points + 0.5) / grey.shape[::-1]
    records["x"], records["y"] = np.rint(points.clip(0, 1) * _STEPS).T
    records["size"] = found.sizes * (scales[0] * scales[1]) ** 0.5
    turns = found.angles / _TURN_DEGREES
    records["angle"] = np.rint(turns * _ANGLE_STEPS).astype(np.int64) % _ANGLE_STEPS
    records["histogram"] = _histograms(grey, found)
    return records


def _histograms(grey: NDArray[np.uint8], found: Keypoints) -> NDArray[np.float32]:
    """Return (K, 128) SIFT histograms, 0..255, of at least one keypoint of a picture."""
    thirds = found.thirds + _COARSER_THIRDS - 1
    # As OpenCV packs them: below, the octave; above it, the layer, from 1.
    packed = thirds // LAYERS + (thirds % LAYERS + 1 << 8)
    given = [
        cv2.KeyPoint(x, y, size, angle, 0.0, level)
        for (x, y), size, angle, level in zip(
            *(found.points.tolist(), found.sizes.tolist(), found.angles.tolist()),
            packed.tolist(),
            strict=True,
        )
    ]
    # OpenCV doubles the picture only for keypoints of an octave below 0.
    sift = cv2.SIFT.create(sigma=FINEST_BLUR * 2 ** (-_COARSER_THIRDS / LAYERS))
    return sift.compute(grey, given)[1].astype(np.float32, copy=False)
