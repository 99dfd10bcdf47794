"""The parts of a picture as every process names them."""

from dataclasses import dataclass
from typing import Literal, cast, get_args

Kind = Literal["whole", "panel", "object"]


@dataclass(frozen=True, slots=True, order=True)
class RegionKey:
    """Which part of a picture: its kind, and its place from 0 among the picture's parts of it.

    As text, "panel-3", it names files and answers of the API.
    """

    kind: Kind
    ordinal: int

    def __str__(self) -> str:
        return f"{self.kind}-{self.ordinal}"


WHOLE = RegionKey("whole", 0)
# A contact sheet of a hundred photos is found by its largest ones: each costs an embedding.
MOST_PANELS, MOST_OBJECTS = 40, 12
MOST_LABEL_CHARS = 100
POSSIBLE_REGIONS = (
    WHOLE,
    *(RegionKey("panel", place) for place in range(MOST_PANELS)),
    *(RegionKey("object", place) for place in range(MOST_OBJECTS)),
)


def region_key(kind: str, ordinal: int) -> RegionKey:
    """Return the key that two columns of a row hold.

    Raises:
        ValueError: there is no such kind.
    """
    if kind not in get_args(Kind):
        raise ValueError(f"no kind of region {kind!r}")
    return RegionKey(cast("Kind", kind), ordinal)


@dataclass(frozen=True, slots=True)
class FoundRegion:
    """A part of an image as a worker found it.

    Attributes:
        kind: as in `RegionKey`.
        ordinal: likewise.
        x0: the box, half-open, in pixels of the upright original; x right, y down.
        y0: likewise.
        x1: likewise.
        y1: likewise.
        label: what an object is; "" where that is doubtful, and for the whole and panels; at most
            `MOST_LABEL_CHARS`.
        confidence: 0..1.
        pdq: the PDQ hash of the whole or of a panel, 32 bytes; None for objects.
        pdq_quality: 0..100.
    """

    kind: Kind
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
        """Which part of its image this is."""
        return RegionKey(self.kind, self.ordinal)
