"""People say which panels an image has; what they say outlasts every indexing."""

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction

from audit_log import services as audit_log
from audit_log.models import AuditEntry
from catalog.models import Image
from catalog.services.indexing import request_indexing
from kernel.errors import UserInputError
from kernel.regions import MAX_PANELS

Box = tuple[int, int, int, int]

# As small as a photo in a collage may be; an embedding of less says nothing.
MIN_SIDE_PX = 16


@transaction.atomic
def draw_panels(image_id: UUID, boxes: Iterable[Box] | None, *, by_id: int | None = None) -> None:
    """Keep the panels that a person drew, and have that image indexed again; no other is.

    Args:
        image_id: of an image that can be seen; any other is left alone.
        boxes: half-open, x0, y0, x1, y1 in pixels of the upright original; equal ones are one; none
            at all where it is no collage. None leaves it to the workers again.
        by_id: the account that does it.

    Raises:
        UserInputError: "image:user:bad-panels": a box is too small or not inside the picture, or
            there are too many.
    """
    images = Image.objects.exclude(status=Image.Status.DELETING).filter(pk=image_id)
    image = images.first()
    if image is None:
        return
    panels = usable_panels(boxes, width=image.width, height=image.height)
    changed = {"drawn_panels": [image.drawn_panels, panels]}
    audit_log.record(AuditEntry.Action.CHANGED, image, actor_id=by_id, details=changed)
    images.update(drawn_panels=panels)
    request_indexing(images)


def usable_panels(boxes: Iterable[Box] | None, *, width: int, height: int) -> list[Box] | None:
    """Return what `Image.drawn_panels` holds of boxes as `draw_panels` takes them.

    Args:
        boxes: the panels.
        width: of the upright original, pixels.
        height: of the upright original, pixels.

    Raises:
        UserInputError: "image:user:bad-panels", as there.
    """
    if boxes is None:
        return None
    panels = list(dict.fromkeys(boxes))
    are_inside = all(
        x0 >= 0 and y0 >= 0 and x1 <= width and y1 <= height for x0, y0, x1, y1 in panels
    )
    are_large = all(min(x1 - x0, y1 - y0) >= MIN_SIDE_PX for x0, y0, x1, y1 in panels)
    if len(panels) > MAX_PANELS or not are_inside or not are_large:
        raise UserInputError("image:user:bad-panels", min_side_px=MIN_SIDE_PX, most=MAX_PANELS)
    return panels
