"""The regions of a picture as every process names them."""

from dataclasses import dataclass

from ml.rules.regions import FULL_IMAGE, OBJECT, PANEL, RegionKind, region_kind


@dataclass(frozen=True, slots=True, order=True)
class RegionKey:
    """Which region of a picture: its kind, and its index from 0 among the picture's own of it.

    As text, "panel-3", it names files and answers of the API.
    """

    kind: RegionKind
    ordinal: int

    def __str__(self) -> str:
        return f"{self.kind}-{self.ordinal}"


FULL_IMAGE_KEY = RegionKey(FULL_IMAGE, 0)
# A contact sheet of a hundred photos is found by its largest ones: each costs an embedding.
MAX_PANELS, MAX_OBJECTS = 40, 12
MAX_LABEL_CHARS = 100
POSSIBLE_REGIONS = (
    FULL_IMAGE_KEY,
    *(RegionKey(PANEL, index) for index in range(MAX_PANELS)),
    *(RegionKey(OBJECT, index) for index in range(MAX_OBJECTS)),
)


def region_key(kind: str, ordinal: int) -> RegionKey:
    """Return the key that two columns of a row hold.

    Raises:
        ValueError: there is no such kind.
    """
    return RegionKey(region_kind(kind), ordinal)


@dataclass(frozen=True, slots=True)
class FoundRegion:
    """A region of an image as a worker found it.

    Its box is in pixels of the upright original, x right and y down; x1 and y1 lie outside of it.

    Attributes:
        kind: full image, panel or object.
        ordinal: its index from 0 among the image's regions of that kind.
        x0: left side of the box.
        y0: top of the box.
        x1: right side of the box.
        y1: bottom of the box.
        label: what an object is; "" where that is doubtful, and for the full image and panels; at
            most `MAX_LABEL_CHARS`.
        confidence: 0..1.
        pdq: the PDQ hash of the full image or of a panel, 32 bytes; None for objects.
        pdq_quality: 0..100.
    """

    kind: RegionKind
    ordinal: int
    x0: int
    y0: int
    x1: int
    y1: int
    label: str = ""
    confidence: float = 1.0
    pdq: bytes | None = None
    pdq_quality: int = 0

    @property
    def key(self) -> RegionKey:
        """Which region of its image this is."""
        return RegionKey(self.kind, self.ordinal)
