"""What an image's points carry of its row follows the row, and no model runs."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from django.db import transaction
from django.db.models import F, Model, QuerySet
from django.utils import timezone

from catalog.folders import folders_of
from catalog.models import CopyCheck, Image, Region
from catalog.services.waiting import lock
from jobs import dispatch
from jobs.selectors import may_enqueue
from kernel import task_names
from kernel.ids import point_id
from kernel.regions import region_key
from vectors.index import EditablePayload, PointFacts

_ROWS_PER_QUERY = 1_000
# The columns that points carry, besides tags and albums.
CARRIED_FIELDS = frozenset({"medium", "owner", "licence", "path"})


@dataclass(frozen=True, slots=True)
class DuePayload:
    """What the points of an image are to carry, and how often it had changed when it was read."""

    image_id: UUID
    changes: int
    payload: EditablePayload


@transaction.atomic
def request_payload_update(images: QuerySet[Image]) -> int:
    """Have the points of any number of images carry what SQL says of them now.

    Ask in the transaction that changes these, and while the query still finds the images: before a
    tag is deleted, after it is renamed.

    Returns:
        How many images those are.
    """
    count = mark_payloads_due(images)
    if count:
        enqueue_due_payloads()
    return count


@transaction.atomic
def mark_payloads_due(images: QuerySet[Image]) -> int:
    """Do the same, but leave the job to the caller, for whom one an image would be too many.

    Where the caller dies before `enqueue_due_payloads`, the sweep does it.
    """
    lock(images)
    return images.order_by().update(
        payload_changes=F("payload_changes") + 1, payload_due_at=timezone.now()
    )


def enqueue_due_payloads() -> bool:
    """Leave a job that writes all payloads that wait, where some do and none is at it."""
    if not Image.objects.filter(payload_due_at__isnull=False).exists():
        return False
    if not may_enqueue(task_names.UPDATE_PAYLOADS):
        return False
    dispatch.enqueue(task_names.UPDATE_PAYLOADS)
    return True


def list_due_payloads(*, limit: int) -> tuple[DuePayload, ...]:
    """Return what waits to be written, the longest first, at most so many images."""
    due = Image.objects.filter(payload_due_at__isnull=False).order_by("payload_due_at", "id")
    return tuple(read_payloads(due[:limit]))


def read_payloads(images: QuerySet[Image]) -> Iterator[DuePayload]:
    """Yield what the points of these images are to carry, in the order of the query.

    In plain values: rows with their tags as objects take five times as long. Each count is read
    before the tags, so that what changes in between has a greater one.
    """
    columns = (
        *("pk", "payload_changes", "binned_at", "copy_check__state"),
        *("medium", "owner", "licence", "path"),
    )
    rows = images.values_list(*columns).iterator(chunk_size=_ROWS_PER_QUERY)
    while chunk := list(islice(rows, _ROWS_PER_QUERY)):
        ids = [pk for pk, *_ in chunk]
        tags, albums = (
            _names(Image.tags.through, "tag", ids),
            _names(Image.albums.through, "album", ids),
        )
        for pk, changes, binned_at, copy_state, medium, owner, licence, path in chunk:
            payload = EditablePayload(
                medium,
                tuple(sorted(tags[pk])),
                tuple(sorted(albums[pk])),
                is_binned=binned_at is not None or copy_state in CopyCheck.KEPT_BACK,
                owner=owner,
                licence=licence,
                folders=folders_of(path),
            )
            yield DuePayload(pk, changes, payload)


def _names(through: type[Model], name: str, image_ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    """Return image → the names of its tags or albums."""
    names: dict[UUID, list[str]] = defaultdict(list)
    rows = through._default_manager.filter(image__in=image_ids)
    for image_id, named in rows.values_list("image_id", f"{name}__name"):
        names[image_id].append(named)
    return names


def settled(images: QuerySet[Image]) -> QuerySet[Image]:
    """Return those whose points carry what SQL says: neither they nor their payloads wait."""
    return images.filter(status=Image.Status.INDEXED, payload_due_at__isnull=True)


def editable_payload(image: Image) -> EditablePayload:
    """Return what the points of an image are to carry of its row."""
    check = getattr(image, "copy_check", None)
    is_kept_back = check is not None and check.state in CopyCheck.KEPT_BACK
    return EditablePayload(
        medium=image.medium,
        tags=tuple(sorted(tag.name for tag in image.tags.all())),
        albums=tuple(sorted(album.name for album in image.albums.all())),
        is_binned=image.binned_at is not None or is_kept_back,
        owner=image.owner,
        licence=image.licence,
        folders=folders_of(image.path),
    )


def group_payloads(due: Iterable[DuePayload]) -> Mapping[EditablePayload, Sequence[UUID]]:
    """Return payload → the images whose points are to carry it."""
    groups: dict[EditablePayload, list[UUID]] = defaultdict(list)
    for one in due:
        groups[one.payload].append(one.image_id)
    return groups


def lacking_facts(
    image_ids: Iterable[UUID], *, encoder_version: int
) -> dict[PointFacts, list[UUID]]:
    """Return what points of earlier releases lack → those of these images that are to carry it.

    Images that are being indexed get new points, which carry it from the beginning.
    """
    columns = ("image__sha256", "image__width", "image__height", "kind", "ordinal", "label")
    ids, facts = list(image_ids), defaultdict(list)
    for start in range(0, len(ids), _ROWS_PER_QUERY):
        regions = Region.objects.filter(
            image__in=ids[start : start + _ROWS_PER_QUERY],
            image__payload_format=None,
            image__status=Image.Status.INDEXED,
        )
        rows = regions.order_by("pk").values_list(*columns)
        for sha256, width, height, kind, ordinal, label in rows:
            point = point_id(
                sha256=sha256, region=region_key(kind, ordinal), encoder_version=encoder_version
            )
            is_unsure = kind == Region.Kind.OBJECT and not label
            facts[PointFacts(max(width, height), is_unsure)].append(point)
    return facts


@transaction.atomic
def record_payloads(written: Mapping[UUID, int]) -> None:
    """Record that the points of images carry what was read when they had changed so often.

    What has changed since is written once more: another process may have written the newer values
    before these.
    """
    images = Image.objects.filter(pk__in=written)
    lock(images)
    rows = images.values_list("pk", "payload_changes")
    outdated = [pk for pk, changes in rows if changes != written[pk]]
    images.exclude(pk__in=outdated).update(payload_due_at=None)
    images.filter(status=Image.Status.INDEXED).update(payload_format=Image.PAYLOAD_FORMAT)
    request_payload_update(Image.objects.filter(pk__in=outdated))
