"""What a person asks of a search."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from uuid import UUID

from catalog.models import Image
from kernel.task_messages import Box


class Wait(StrEnum):
    """What of an answer is waited for."""

    HITS = "hits"  # images by their score; copies can be asked for afterwards
    PROOFS = "proofs"  # copies among them, too


class Scope(StrEnum):
    """Which parts of the catalogue's images may be alike."""

    FULL_IMAGE = "full-image"
    PANELS = "panels"
    OBJECTS = "objects"


class Sort(StrEnum):
    """The order of the images found; which ones those are does not depend on it."""

    VERDICT = "verdict"  # copies first, and then by the score
    SIMILARITY = "similarity"
    NEWEST = "newest"  # added last
    OLDEST = "oldest"
    LARGEST = "largest"  # by pixels


@dataclass(frozen=True, slots=True)
class Filters:
    """Which images may be found: of each field any value, and of all fields that say something.

    What lies empty says nothing. How an address writes them is in `search.presenters.addresses`.

    Attributes:
        labels: of objects in them, as the detector names these.
        mediums: "photo", "drawing" or "unknown".
        tags: names.
        albums: names. One that the viewer may not see finds nothing, as one that is not there.
        owners: as they are written.
        licences: as they are written.
        folders: paths in their source, without a slash at the end; what lies below is in them.
            Who may not know where pictures came from finds nothing by them.
        added_from: the first day on which they were added, in the site's time zone.
        added_to: the last one.
        min_side: pixels of the longer side.
        max_side: pixels of the longer side.
        are_sure: whether objects whose label is doubtful are left out, of both sides.
        are_other_media: whether images of the query's own medium are left out, where that is known.
        scope: which of their parts may be alike.
    """

    labels: tuple[str, ...] = ()
    mediums: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    albums: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    added_from: date | None = None
    added_to: date | None = None
    min_side: int | None = None
    max_side: int | None = None
    are_sure: bool = False
    are_other_media: bool = False
    scope: tuple[Scope, ...] = ()

    def __bool__(self) -> bool:
        """Whether they say anything."""
        return self != Filters()


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
        filters: which images may be found.
        sort: their order.
        wait: what of the answer is waited for.
    """

    name: str
    data: bytes | None
    is_upload: bool = False
    query_id: UUID | None = None
    image: Image | None = None
    box: Box | None = None
    filters: Filters = field(default_factory=Filters)
    sort: Sort = Sort.VERDICT
    wait: Wait = Wait.PROOFS
