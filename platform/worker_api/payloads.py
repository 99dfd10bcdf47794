"""What points carry of their images' rows: what waits to be written, and that it was."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from catalog import services
from vectors.index import EditablePayload, PointFacts

DuePayload = services.DuePayload


def list_due_payloads(*, limit: int) -> tuple[DuePayload, ...]:
    """Return what waits to be written, the longest first, at most so many images."""
    return services.list_due_payloads(limit=limit)


def group_payloads(due: Sequence[DuePayload]) -> Mapping[EditablePayload, Sequence[UUID]]:
    """Return payload → the images whose points are to carry it."""
    return services.group_payloads(due)


def lacking_facts(
    due: Sequence[DuePayload], *, encoder_version: int
) -> Mapping[PointFacts, Sequence[UUID]]:
    """Return what points of earlier releases lack → those of these images that are to carry it."""
    image_ids = [one.image_id for one in due]
    return services.lacking_facts(image_ids, encoder_version=encoder_version)


def record_payloads(written: Sequence[DuePayload]) -> None:
    """Record that points carry this and what they lacked; what changed since goes on waiting."""
    services.record_payloads({one.image_id: one.changes for one in written})
