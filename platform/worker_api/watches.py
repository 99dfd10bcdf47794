"""A worker's view of what is watched: ids in, frozen values out."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from catalog.models import Image, Region
from catalog.selectors import list_current_images
from catalog.validation import validate
from jobs.models import Delivery
from kernel.errors import FileMissing
from kernel.ids import point_id
from kernel.regions import RegionKey
from kernel.task_messages import Box
from search import query_files
from search.models import SavedPicture
from search.saved import read_address
from watches import checks, notices
from watches.checks import Match
from watches.models import Look, Rung, Watch

NEAR_IDENTICAL, EDITED_COPY = Rung.NEAR_IDENTICAL.value, Rung.EDITED_COPY.value
SHARED_DESIGN = Rung.SHARED_DESIGN.value

__all__ = ["EDITED_COPY", "NEAR_IDENTICAL", "SHARED_DESIGN", "Match"]


@dataclass(frozen=True, slots=True)
class PartOfNew:
    """A region of a new image that is compared: all of it, or a panel."""

    region_id: int
    key: RegionKey
    box: Box


@dataclass(frozen=True, slots=True)
class NewImage:
    """A new image; its size is that of the upright original, in pixels."""

    id: UUID
    sha256: str
    width: int
    height: int
    parts: tuple[PartOfNew, ...]


@dataclass(frozen=True, slots=True)
class LoosePicture:
    """A watched picture in no album that is watched: an upload, or an image of a saved search.

    Attributes:
        query_id: of an upload.
        sha256: of an image's original; "" of an upload.
        box: the part that is watched, in pixels of the upright picture; None is all.
        saved_picture_ids: the rows of saved searches that name it.
        image_id: of an image.
    """

    query_id: UUID | None
    sha256: str
    box: Box | None
    saved_picture_ids: tuple[int, ...]
    image_id: UUID | None


@dataclass(frozen=True, slots=True)
class WatchedPictures:
    """All that is watched by anybody.

    Attributes:
        albums: names of albums, as points carry them.
        loose: pictures beside these.
    """

    albums: tuple[str, ...]
    loose: tuple[LoosePicture, ...]


@dataclass(frozen=True, slots=True)
class PictureToLookFor:
    """A watched picture that is compared with what is there: in an album, or loose."""

    look_id: int
    picture: LoosePicture
    is_in_album: bool


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A picture's file, and its size upright."""

    data: bytes
    width: int
    height: int


def read_scope() -> WatchedPictures:
    """Return what is watched."""
    watches = Watch.objects.order_by()
    albums = watches.filter(album__isnull=False).values_list("album__name", flat=True).distinct()
    watched = SavedPicture.objects.filter(
        checks.IS_WATCHED,
        search__in=watches.filter(saved_search__isnull=False).values("saved_search"),
    )
    loose: dict[LoosePicture, list[int]] = {}
    for row in watched.select_related("image", "search").order_by("pk"):
        loose.setdefault(_loose(row, ()), []).append(row.pk)
    return WatchedPictures(
        tuple(sorted(name for name in albums if name is not None)),
        tuple(
            LoosePicture(each.query_id, each.sha256, each.box, tuple(ids), each.image_id)
            for each, ids in loose.items()
        ),
    )


def claim_arrivals(*, delivery: Delivery) -> list[NewImage]:
    """Return new images that are to be compared with what is watched, their tries counted.

    Raises:
        JobTakenOver: another worker has the job.
    """
    images = [arrival.image for arrival in checks.claim_arrivals(delivery=delivery)]
    kinds = (Region.Kind.FULL_IMAGE, Region.Kind.PANEL)
    rows = Region.objects.filter(image__in=images, kind__in=kinds).order_by("-kind", "ordinal")
    parts: dict[UUID, list[PartOfNew]] = {}
    for row in rows:
        box = (row.x0, row.y0, row.x1, row.y1)
        parts.setdefault(row.image_id, []).append(PartOfNew(row.pk, row.key, box))
    return [
        NewImage(each.pk, each.sha256, each.width, each.height, tuple(parts.get(each.pk, ())))
        for each in images
    ]


def give_back_arrivals(image_ids: Sequence[UUID]) -> None:
    """Count no try: a part of the system is away."""
    checks.give_back_arrivals(image_ids)


def record_arrival(image_id: UUID, matches: Sequence[Match], *, delivery: Delivery) -> int:
    """Record what a new image is a copy of; see `watches.checks`."""
    return checks.record_arrival(image_id, matches, delivery=delivery)


def claim_looks(*, delivery: Delivery) -> list[PictureToLookFor]:
    """Return watched pictures that are to be compared with what is there, their tries counted.

    Raises:
        JobTakenOver: another worker has the job.
    """
    return [_to_look_for(look) for look in checks.claim_looks(delivery=delivery)]


def give_back_looks(look_ids: Sequence[int]) -> None:
    """Count no try: a part of the system is away."""
    checks.give_back_looks(look_ids)


def record_look(look_id: int, matches: Sequence[Match], *, delivery: Delivery) -> int:
    """Record what was there already; see `watches.checks`."""
    return checks.record_look(look_id, matches, delivery=delivery)


def read_watched(query_id: UUID | None, original: bytes | None) -> PictureFile:
    """Return the file of a watched picture.

    Args:
        query_id: of an upload.
        original: the file of an image; None of an upload, which is read here.

    Raises:
        FileMissing: it is gone.
        UserInputError: it cannot be read.
        TransientError: "storage:transient:unavailable".
    """
    if original is None:
        if query_id is None:
            raise FileMissing(name="")
        original = query_files.read(query_id)
    valid = validate(original, is_name_binding=False)
    return PictureFile(original, valid.width, valid.height)


def list_watched_regions(image_ids: Sequence[UUID], albums: Sequence[str]) -> dict[UUID, int]:
    """Return image → the region that is all of it, of current images in any of these albums."""
    images = list_current_images().filter(pk__in=image_ids, albums__name__in=albums).values("pk")
    rows = Region.objects.filter(image__in=images, kind=Region.Kind.FULL_IMAGE).order_by()
    return dict(rows.values_list("image", "pk"))


def find_points(image_ids: Sequence[UUID], *, encoder_version: int) -> dict[UUID, int]:
    """Return point → region, of the full images and panels of current images."""
    kinds = (Region.Kind.FULL_IMAGE, Region.Kind.PANEL)
    images = list_current_images().filter(pk__in=image_ids).values("pk")
    rows = (
        Region.objects.filter(image__in=images, kind__in=kinds).select_related("image").order_by()
    )
    return {
        point_id(sha256=row.image.sha256, region=row.key, encoder_version=encoder_version): row.pk
        for row in rows
    }


def tell() -> None:
    """Send the e-mails and the calls that are due; see `watches.notices`."""
    notices.tell()


def _to_look_for(look: Look) -> PictureToLookFor:
    if look.saved_picture is not None:
        picture = _loose(look.saved_picture, (look.saved_picture.pk,))
        return PictureToLookFor(look.pk, picture, is_in_album=False)
    image: Image | None = look.image
    if image is None:
        raise ValueError(look.pk)
    picture = LoosePicture(None, image.sha256, None, (), image.pk)
    return PictureToLookFor(look.pk, picture, is_in_album=True)


def _loose(row: SavedPicture, saved_picture_ids: tuple[int, ...]) -> LoosePicture:
    box = read_address(row.search.address).box
    sha256 = "" if row.image is None else row.image.sha256
    return LoosePicture(row.query_id, sha256, box, saved_picture_ids, row.image_id)
