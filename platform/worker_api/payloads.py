"""What points carry of their images' rows: what waits to be written, and that it was."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from catalog import services
from vectors.index import EditablePayload

DuePayload = services.DuePayload


def list_due_payloads(*, limit: int) -> tuple[DuePayload, ...]:
    """Return what waits to be written, the longest first, at most so many images."""
    return services.list_due_payloads(limit=limit)


def group_payloads(due: Sequence[DuePayload]) -> Mapping[EditablePayload, Sequence[UUID]]:
    """Return payload → the images whose points are to carry it."""
    return services.group_payloads(due)


def record_payloads(written: Sequence[DuePayload]) -> None:
    """Record that the points carry this; what changed since goes on waiting."""
    services.record_payloads({one.image_id: one.changes for one in written})
