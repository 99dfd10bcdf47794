"""What can be asked of the catalogue; nothing here writes."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Count, Prefetch, Q, QuerySet

from catalog.models import CopyCheck, EncoderVersion, Image, Region
from catalog.visibility import Viewer, hidden_albums, hidden_from, is_in, seen_by
from kernel.errors import TransientError


def find_live_encoder() -> EncoderVersion | None:
    """Return the encoder version that indexes new pictures, or None before the first start."""
    return EncoderVersion.objects.filter(state=EncoderVersion.State.LIVE).first()


def get_live_encoder() -> EncoderVersion:
    """Return the live encoder version.

    Raises:
        TransientError: "encoder:transient:not-chosen": the workers have not started yet.
    """
    version = find_live_encoder()
    if version is None:
        raise TransientError("encoder:transient:not-chosen")
    return version


def knows_words() -> bool:
    """Return whether the catalogue can be searched with words."""
    return EncoderVersion.objects.filter(state=EncoderVersion.State.LIVE, knows_words=True).exists()


def list_visible_images(viewer: Viewer) -> QuerySet[Image]:
    """Return every image that a person may see."""
    return seen_by(list_current_images(), viewer)


def list_current_images() -> QuerySet[Image]:
    """Return every image that is not held, in the bin or being deleted, whoever may see it."""
    return list_kept_images().filter(binned_at__isnull=True, held_at__isnull=True)


def is_current(image: str = "") -> Q:
    """Return the condition that an image is one of `list_current_images`.

    Args:
        image: the field, of what is asked for, that leads to it; "" where that is asked for.
    """
    of = f"{image}__" if image else ""
    is_kept = ~Q(**{f"{of}status": Image.Status.DELETING})
    return is_kept & Q(**{f"{of}binned_at__isnull": True, f"{of}held_at__isnull": True})


def list_binned_images() -> QuerySet[Image]:
    """Return every image in the bin that can still be restored, whoever may see it."""
    return list_kept_images().filter(binned_at__isnull=False)


def list_held_images(viewer: Viewer | None = None) -> QuerySet[Image]:
    """Return the images held for review that a person may decide about; for None, all of them.

    Who decides has to see both: a copy of an image that is private to others tells of that one.
    """
    held = list_kept_images().filter(
        held_at__isnull=False, binned_at__isnull=True, copy_check__state=CopyCheck.State.HELD
    )
    hidden = [] if viewer is None else list(hidden_albums(viewer))
    if not hidden:
        return held
    return held.exclude(is_in(hidden)).exclude(is_in(hidden, image="copy_check__copy_of"))


def list_kept_images() -> QuerySet[Image]:
    """Return every image that is not being deleted, those in the bin and held ones too."""
    return Image.objects.exclude(status=Image.Status.DELETING)


def is_in_folder(folder: str) -> Q:
    """Return the condition that an image lies below a folder of its source.

    Args:
        folder: its path, without a slash at the end.
    """
    if connection.vendor == "sqlite":  # its LIKE uses no index; its order is that of bytes
        return Q(path__gt=f"{folder}/", path__lt=f"{folder}{chr(ord('/') + 1)}")
    return Q(path__startswith=f"{folder}/")


def find_medium(sha256: str, viewer: Viewer) -> str:
    """Return the medium of the image with this content that a person may see, or "unknown"."""
    mediums = Image.objects.filter(sha256=sha256).values_list("medium", flat=True)
    medium = mediums.first()  # seldom there: what the viewer may see is asked only then
    if medium is None or not list_visible_images(viewer).filter(sha256=sha256).exists():
        return Image.Medium.UNKNOWN
    return medium


def find_images(image_ids: Iterable[UUID], viewer: Viewer) -> dict[UUID, Image]:
    """Return those of these images that a person may see, by id."""
    return list_visible_images(viewer).in_bulk(list(image_ids))


def find_private_to_others(image_ids: Iterable[UUID], viewer: Viewer) -> set[UUID]:
    """Return those of these images that are kept from a person."""
    asked = list(image_ids)
    if not asked:
        return set()
    known = list_kept_images().filter(pk__in=asked).order_by()
    seen = seen_by(known, viewer).values_list("pk", flat=True)
    return set(known.values_list("pk", flat=True)) - set(seen)


def find_held(image_ids: Iterable[UUID]) -> set[UUID]:
    """Return those of these images that are held, whoever may see them."""
    held = list_kept_images().filter(pk__in=list(image_ids), held_at__isnull=False)
    return set(held.order_by().values_list("pk", flat=True))


def find_images_with_regions(
    image_ids: Iterable[UUID], viewer: Viewer, condition: Q
) -> dict[UUID, Image]:
    """Return those of them that meet a condition, and their regions without the workers' hashes."""
    regions = Prefetch("regions", Region.objects.defer("pdq"))
    images = list_visible_images(viewer).filter(condition).prefetch_related(regions)
    return images.in_bulk(list(image_ids))


def count_by_status() -> dict[str, int]:
    """Return how many images have each status; a status without images is 0.

    Those in the bin are counted as "binned" alone, and held ones as "held".
    """
    held = list_kept_images().filter(held_at__isnull=False, binned_at__isnull=True)
    counts = {
        **dict.fromkeys(Image.Status.values, 0),
        **{"binned": list_binned_images().count(), "held": held.count()},
    }
    is_elsewhere = Q(binned_at__isnull=True, held_at__isnull=True)
    is_elsewhere |= Q(status=Image.Status.DELETING)
    rows = Image.objects.order_by().values_list("status")
    return counts | dict(rows.annotate(images=Count("pk", filter=is_elsewhere)))


def count_failures_by_code() -> dict[str, int]:
    """Return how many images could not be indexed, by the error's code."""
    failed = list_current_images().filter(status=Image.Status.FAILED).order_by()
    return dict(failed.values_list("error_code").annotate(Count("pk")))


def count_findable_and_waiting(viewer: Viewer) -> tuple[int, int]:
    """Return how many images a person's searches find, and how many wait to be indexed.

    An indexed image is found also while it waits to be indexed again.
    """
    findable, waiting = _count_findable_and_waiting(list_current_images())
    # Counted apart, since they are the fewer.
    hidden_findable, hidden_waiting = _count_findable_and_waiting(
        hidden_from(list_current_images(), viewer)
    )
    return findable - hidden_findable, waiting - hidden_waiting


def _count_findable_and_waiting(images: QuerySet[Image]) -> tuple[int, int]:
    status = Image.Status
    is_findable = Q(status__in=(status.INDEXED, status.QUEUED), indexed_at__isnull=False)
    counts = images.aggregate(
        findable=Count("pk", filter=is_findable),
        waiting=Count("pk", filter=Q(status=status.QUEUED)),
    )
    return counts["findable"], counts["waiting"]


def are_more_waiting_than(count: int) -> bool:
    """Whether more images than that wait to be indexed; counts no further."""
    return Image.objects.filter(status=Image.Status.QUEUED).order_by()[count : count + 1].exists()


def count_failed(viewer: Viewer) -> int:
    """Return how many images that a person may see could not be indexed."""
    return list_visible_images(viewer).filter(status=Image.Status.FAILED).count()


def count_indexed_since(moment: datetime, viewer: Viewer) -> int:
    """Return how many images that a person may see were indexed since a moment."""
    return list_visible_images(viewer).filter(indexed_at__gte=moment).count()


def find_oldest_waiting(viewer: Viewer) -> datetime | None:
    """Return since when the first waiting image that a person may see waits; None of none."""
    waiting = list_visible_images(viewer).filter(status=Image.Status.QUEUED).order_by("queued_at")
    return waiting.values_list("queued_at", flat=True).first()


def find_drawn_panels(sha256: str, viewer: Viewer) -> tuple[tuple[int, int, int, int], ...] | None:
    """Return the panels that a person drew on the image with this content, () where it has none.

    None where nobody drew any, and where the viewer may not see the image.
    """
    drawn = list_current_images().filter(sha256=sha256, drawn_panels__isnull=False)
    image = drawn.first()  # seldom there: what the viewer may see is asked only then
    if image is None or not seen_by(drawn, viewer).exists():
        return None
    return drawn_boxes(image.drawn_panels)


def drawn_boxes(value: list[list[int]] | None) -> tuple[tuple[int, int, int, int], ...] | None:
    """Return what `Image.drawn_panels` holds: boxes x0, y0, x1, y1, or None."""
    return None if value is None else tuple((x0, y0, x1, y1) for x0, y0, x1, y1 in value)


def find_by_sha256(sha256: str) -> Image | None:
    """Return the image with this content, even one in the bin or being deleted, or None."""
    return Image.objects.filter(sha256=sha256).first()


def find_by_sha256s(hashes: Iterable[str]) -> dict[str, Image]:
    """Return hash → image of those that are there, as `find_by_sha256`."""
    return Image.objects.in_bulk(set(hashes), field_name="sha256")
