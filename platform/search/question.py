"""What a person asks of a search."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from catalog.models import Image
from kernel.task_messages import Box


class Wait(StrEnum):
    """What of an answer is waited for."""

    HITS = "hits"  # images by their score; copies can be asked for afterwards
    PROOFS = "proofs"  # copies among them, too


@dataclass(frozen=True, slots=True)
class Question:
    """What a person searches with.

    Attributes:
        name: the picture's file name or title; only shown.
        data: its file; None where `query_id` or `image` says where it lies.
        is_upload: whether it came with this request, under a file name that has to fit.
        query_id: where it is kept already.
        image: of the catalogue, which who asks may see.
        box: x0, y0, x1, y1 in pixels of the upright picture: that part alone; None is all.
        labels: only images with any of these objects in them; none is all images.
        wait: what of the answer is waited for.
    """

    name: str
    data: bytes | None
    is_upload: bool = False
    query_id: UUID | None = None
    image: Image | None = None
    box: Box | None = None
    labels: tuple[str, ...] = ()
    wait: Wait = Wait.PROOFS
