"""How pictures were made: told from them as a suggestion, until a person says it."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from catalog.models import Image
from catalog.services.payloads import request_payload_update

_UNKNOWN = Image.Medium.UNKNOWN
# What a person said is never replaced.
_TAKES_SUGGESTION = Q(medium=_UNKNOWN) | Q(medium_suggested_at__isnull=False)


def takes_suggestion(image: Image) -> bool:
    """Whether the medium of an image is told from it: nobody has said one."""
    return image.medium == _UNKNOWN or image.is_medium_suggested


def suggest_media(media: Mapping[UUID, str], *, at: datetime) -> None:
    """Record what was told from pictures, of those of whose medium nobody has said anything.

    Their points have to carry it: who calls this has just written them. Those of images of which a
    person has said another meanwhile are written again. "unknown" takes an earlier suggestion back.

    Args:
        media: image → one of `Image.Medium`.
        at: when it was told.
    """
    by_medium: dict[str, list[UUID]] = defaultdict(list)
    for image_id, medium in media.items():
        by_medium[medium].append(image_id)
    for medium, ids in by_medium.items():
        suggested_at = None if medium == _UNKNOWN else at
        images = Image.objects.filter(_TAKES_SUGGESTION, pk__in=ids)
        images.update(medium=medium, medium_suggested_at=suggested_at)
        request_payload_update(Image.objects.filter(pk__in=ids).exclude(medium=medium))


def confirm_media(images: QuerySet[Image]) -> None:
    """Have the media of images be what a person says, even where a suggestion is the same."""
    suggested = images.filter(medium_suggested_at__isnull=False).order_by()
    suggested.update(medium_suggested_at=None)
