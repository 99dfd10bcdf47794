"""Whether new images are copies of others, and what becomes of those that are (ADR 30).

One at a time, in the order that they came in, and each only once all before it are settled: so the
first of several copies stays, whoever compares, however often and however many at once.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet

from audit_log import services as audit_log
from audit_log.models import AuditEntry
from catalog.models import CopyCheck, Image, max_chars
from catalog.selectors import list_current_images, list_held_images
from catalog.services.bin import move_to_bin
from catalog.services.payloads import mark_payloads_due, request_payload_update
from catalog.services.waiting import lock
from jobs import dispatch
from jobs.models import Delivery
from jobs.selectors import may_enqueue
from jobs.services import MAX_TRIES, JobTakenOver, hold
from kernel import task_names
from kernel.errors import ConflictError

logger = logging.getLogger(__name__)

State = CopyCheck.State


@dataclass(frozen=True, slots=True)
class CopyRule:
    """What is to become of a new image if it is a copy, and which file of an import it was."""

    policy: CopyCheck.Policy
    import_id: UUID
    file_name: str


class IsCopy(ConflictError):
    """The picture was refused as a copy of one that is there already."""

    CODE = "image:conflict:copy-of"

    def __init__(self, *, image_id: UUID, copy_of: UUID | None) -> None:
        known = "–" if copy_of is None else str(copy_of)  # deleted since
        super().__init__(self.CODE, image_id=str(image_id), copy_of=known)


def ask_copy_checks(rules: Mapping[UUID, CopyRule]) -> None:
    """Have new images compared once they are indexed; in the transaction that makes their rows.

    Args:
        rules: image → what is to become of it, in the order in which they came.
    """
    limit = max_chars(CopyCheck, "file_name")
    CopyCheck.objects.bulk_create(
        CopyCheck(
            image_id=image_id,
            policy=rule.policy,
            import_id=rule.import_id,
            file_name=rule.file_name[:limit],
        )
        for image_id, rule in rules.items()
    )


def find_refusals(image_ids: Iterable[UUID]) -> dict[UUID, IsCopy]:
    """Return image → why it was refused, of those in the bin that were as copies."""
    refused = CopyCheck.objects.filter(image__in=image_ids, state=State.REFUSED)
    return {
        each.image_id: IsCopy(image_id=each.image_id, copy_of=each.copy_of_id) for each in refused
    }


def enqueue_copy_checks() -> bool:
    """Leave a job that compares new images, where some can be and none is at it."""
    if _find_next() is None or not may_enqueue(task_names.CHECK_COPIES):
        return False
    dispatch.enqueue(task_names.CHECK_COPIES)
    return True


@transaction.atomic
def claim_copy_check(*, delivery: Delivery) -> CopyCheck | None:
    """Return the next image to be compared, its check's tries counted; None where none can be.

    One that has ended its worker too often is taken in without.

    Raises:
        JobTakenOver: another worker has the job.
    """
    _hold(delivery)
    while (check := _find_next()) is not None and check.tries >= MAX_TRIES:
        logger.warning("image was never compared", extra={"image_id": str(check.image_id)})
        _take_in(check)
    if check is not None:
        check.tries += 1
        check.save(update_fields=("tries",))
    return check


def forget_try(check_id: int) -> None:
    """Count one try less: what ended it lies in no image."""
    CopyCheck.objects.filter(pk=check_id, tries__gt=0).update(tries=F("tries") - 1)


@transaction.atomic
def record_copy_check(
    check_id: int, *, copy_of: UUID | None, rung: str = "", delivery: Delivery
) -> CopyCheck | None:
    """Hold or refuse an image as a copy of another, or take it in where it is none.

    One that is taken in is found once `enqueue_due_payloads` was called, too.

    Args:
        check_id: as `claim_copy_check` returned it.
        copy_of: the image that it is a copy of; None where there is none.
        rung: one of `CopyCheck.Rung`, of a copy.
        delivery: of the job that compared it.

    Returns:
        The check as it is now. None where nothing was changed: it was settled meanwhile, or the
        other image is gone, held or in the bin by now, so that this one is compared once more.

    Raises:
        JobTakenOver: another worker has the job.
    """
    _hold(delivery)
    check = CopyCheck.objects.select_for_update().filter(pk=check_id, state=State.WAITING).first()
    if check is None:
        return None
    if copy_of is None:
        _take_in(check)
        return check
    lock(Image.objects.filter(pk__in=(check.image_id, copy_of)))
    if not list_current_images().filter(pk=copy_of).exists():
        return None
    check.copy_of_id, check.rung = copy_of, rung
    if check.policy == CopyCheck.Policy.HOLD:
        check.state = State.HELD
        check.save(update_fields=("copy_of", "rung", "state"))
    else:
        check.save(update_fields=("copy_of", "rung"))
        _refuse(Image.objects.filter(pk=check.image_id), by_id=None)
        check.state = State.REFUSED
        details = {"copy_of": str(copy_of)}
        audit_log.record(AuditEntry.Action.BINNED, check.image, actor_id=None, details=details)
    return check


@transaction.atomic
def take_in_held(images: QuerySet[Image]) -> int:
    """Let images that are held for review be found from now on; return how many were."""
    ids = _lock_held(images)
    CopyCheck.objects.filter(image__in=ids).update(state=State.TAKEN_IN)
    request_payload_update(Image.objects.filter(pk__in=ids))
    Image.objects.filter(pk__in=ids).update(held_at=None)
    return len(ids)


@transaction.atomic
def refuse_held(images: QuerySet[Image], *, by_id: int | None) -> int:
    """Move images that are held for review to the bin, for an account; return how many were.

    Restored from there, they are taken in.
    """
    ids = _lock_held(images)
    _refuse(Image.objects.filter(pk__in=ids), by_id=by_id)
    return len(ids)


def _hold(delivery: Delivery) -> None:
    if not hold(delivery):
        raise JobTakenOver(delivery)


def _find_next() -> CopyCheck | None:
    """Return the check of the first image that can be compared now.

    It is indexed, and none that came before it is still to be indexed: that one may be what it is a
    copy of.
    """
    ready = CopyCheck.objects.filter(
        state=State.WAITING,
        image__status=Image.Status.INDEXED,
        image__binned_at__isnull=True,
    )
    check = ready.select_related("image").order_by("pk").first()
    if check is None:
        return None
    never_indexed = Image.objects.filter(status=Image.Status.QUEUED, indexed_at__isnull=True)
    is_preceded = never_indexed.filter(created_at__lt=check.image.created_at).exists()
    return None if is_preceded else check


def _lock_held(images: QuerySet[Image]) -> list[UUID]:
    held = list_held_images().filter(pk__in=images.order_by().values("pk"))
    lock(held)
    return list(held.values_list("pk", flat=True))


def _take_in(check: CopyCheck) -> None:
    """Let an image be found that is no copy: nothing has to be known of that any more."""
    check.delete()
    image = Image.objects.filter(pk=check.image_id)
    mark_payloads_due(image)
    image.update(held_at=None)


def _refuse(images: QuerySet[Image], *, by_id: int | None) -> None:
    CopyCheck.objects.filter(image__in=images.values("pk")).update(state=State.REFUSED)
    images.update(held_at=None)
    move_to_bin(images, by_id=by_id, is_recorded=False)
