"""A worker's view of new images that are compared with the catalogue."""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from catalog import services
from catalog.models import CopyCheck
from ingestion import services as ingestion
from jobs.models import Delivery

Rung, State = CopyCheck.Rung, CopyCheck.State


@dataclass(frozen=True, slots=True)
class UncheckedImage:
    """An image that is to be compared; its size is that of the upright original, in pixels."""

    check_id: int
    id: UUID
    sha256: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class ProvedCopy:
    """Which image a new one is a copy of, and whether nothing but saving again differs."""

    image_id: UUID
    is_near_identical: bool


def claim(*, delivery: Delivery) -> UncheckedImage | None:
    """Return the next image to be compared, its try counted; None where none can be now.

    Raises:
        JobTakenOver: another worker has the job.
    """
    check = services.claim_copy_check(delivery=delivery)
    if check is None:
        return None
    image = check.image
    return UncheckedImage(check.pk, image.pk, image.sha256, image.width, image.height)


def give_back(image: UncheckedImage) -> None:
    """Count no try: a part of the system is away, and the image is compared later."""
    services.forget_try(image.check_id)


@transaction.atomic
def record(image: UncheckedImage, copy: ProvedCopy | None, *, delivery: Delivery) -> None:
    """Take the image in, or hold or refuse it as a copy, and tell its import of a refusal.

    Those taken in are found after the next `publish`.

    Raises:
        JobTakenOver: another worker has the job; nothing was changed.
    """
    check = services.record_copy_check(
        image.check_id,
        copy_of=None if copy is None else copy.image_id,
        rung=Rung.NEAR_IDENTICAL if copy and copy.is_near_identical else Rung.EDITED_COPY,
        delivery=delivery,
    )
    if check is not None and check.state == State.REFUSED:
        ingestion.record_refused_copy(check)


def publish() -> None:
    """Have searches find what was taken in."""
    services.enqueue_due_payloads()
