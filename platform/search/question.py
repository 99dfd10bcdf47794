"""What a person asks of a search."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Question:
    """What a person searches with.

    Attributes:
        name: the picture's file name or title; only shown.
        data: its file.
        is_upload: whether it came with this request, under a file name that has to fit.
        query_id: where it is kept already; None stores it.
        box: x0, y0, x1, y1 in pixels of the upright picture: that part alone; None is all.
        labels: only images with any of these objects in them; none is all images.
    """

    name: str
    data: bytes
    is_upload: bool = False
    query_id: UUID | None = None
    box: tuple[int, int, int, int] | None = None
    labels: tuple[str, ...] = ()
