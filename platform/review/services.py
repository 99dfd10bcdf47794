"""What changes decisions: people take them, change them, and take them back."""

from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from audit_log import services as audit_log
from audit_log.models import AuditEntry
from catalog.models import Image
from catalog.selectors import list_visible_images
from catalog.visibility import Viewer
from kernel.errors import UserInputError
from review import query_pictures
from review.models import Decision
from review.shown_hits import ShownHit

PERMISSION = "review.add_decision"


def decide(shown: ShownHit, judgement: Decision.Judgement, *, by: Viewer) -> Decision:
    """Record what a person says of a hit, in place of what they said of it before.

    Raises:
        PermissionDenied: they may not.
        UserInputError: "review:user:no-image": there is no such image that they may see.
        GoneError: "search:user:query-expired": the picture that was asked with is gone.
        TransientError: the storage is away.
    """
    image, asked = _seen(shown, by)
    if asked is None:
        query_pictures.keep(shown.query, shown.query_sha256)
    pair: dict[str, Any] = {
        "query_sha256": shown.query_sha256,
        "query_box": shown.query_box,
        "image": image,
        "decided_by_id": by.pk,
    }
    values = {
        "query_image": asked,
        "image_box": shown.image_box,
        "judgement": judgement,
        "decided_at": timezone.now(),
        "shown_verdict": shown.verdict,
        "score": shown.score,
        "probability": shown.probability,
        "encoder_version_id": shown.encoder_version,
        "calibration_sha256": shown.calibration_sha256,
    }
    with transaction.atomic():
        known = Decision.objects.select_for_update().filter(**pair).first()
        decision, is_new = Decision.objects.update_or_create(**pair, defaults=values)
        before = None if known is None else known.judgement
        action = AuditEntry.Action.ADDED if is_new else AuditEntry.Action.CHANGED
        if before != judgement:
            said = {"judgement": [before, judgement.value]}
            audit_log.record(action, decision, actor_id=by.pk, details=said)
    return decision


def take_back(shown: ShownHit, *, by: Viewer) -> None:
    """Remove what a person said of a hit, if they did.

    Raises:
        PermissionDenied, UserInputError, GoneError, TransientError: as `decide`.
    """
    image, _asked = _seen(shown, by)
    own = Decision.objects.filter(
        query_sha256=shown.query_sha256, query_box=shown.query_box, image=image, decided_by=by.pk
    )
    for decision in own:
        delete(decision, by_id=by.pk)


def delete(decision: Decision, *, by_id: int | None) -> None:
    """Remove a decision, and its picture where no other decision is about that.

    Raises:
        TransientError: the storage is away; the decision is gone, the picture goes with the sweep.
    """
    with transaction.atomic():
        said = {"judgement": [decision.judgement, None]}
        audit_log.record(AuditEntry.Action.DELETED, decision, actor_id=by_id, details=said)
        decision.delete()
    query_pictures.delete_unless_named(decision.query_sha256)


def _seen(shown: ShownHit, by: Viewer) -> tuple[Image, Image | None]:
    """Return the image, and the asked picture where the catalogue has it and it may be seen."""
    if not by.has_perm(PERMISSION):
        raise PermissionDenied
    visible = list_visible_images(by)
    image = visible.filter(pk=UUID(shown.image_id)).first()
    if image is None:
        raise UserInputError("review:user:no-image")
    return image, visible.filter(sha256=shown.query_sha256).first()
