"""What can be asked of decisions; nothing here writes."""

from uuid import UUID

from django.db.models import Q, QuerySet

from catalog.models import Image
from catalog.visibility import Viewer, hidden_albums, is_in
from review.models import Decision


def list_decisions(viewer: Viewer | None = None) -> QuerySet[Decision]:
    """Return the decisions about pictures that a person may see both of; for None, all.

    Pictures in the bin, held or being deleted are left out for everybody.
    """
    gone = Q(status=Image.Status.DELETING) | Q(binned_at__isnull=False) | Q(held_at__isnull=False)
    gone_ids = Image.objects.filter(gone).order_by().values("pk")
    decisions = Decision.objects.exclude(image__in=gone_ids).exclude(query_image__in=gone_ids)
    hidden = [] if viewer is None else list(hidden_albums(viewer))
    if not hidden:
        return decisions
    return decisions.exclude(is_in(hidden, image="image")).exclude(
        is_in(hidden, image="query_image")
    )


def find_own(query_sha256: str, account_id: int | None) -> dict[tuple[str, UUID], str]:
    """Return (part asked with, image) → what an account has decided, of one asked picture."""
    if account_id is None:
        return {}
    own = Decision.objects.filter(query_sha256=query_sha256, decided_by=account_id).order_by()
    rows = own.values_list("query_box", "image", "judgement")
    return {(box, image_id): judgement for box, image_id, judgement in rows}
