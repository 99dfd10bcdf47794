"""Decisions: copy, same subject or different; exported, and what calibrations learn from."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Router

from api.answers import respond
from api.cursors import page_of
from api.idempotency import idempotent
from api.schemas.base import DEFAULT_LIMIT, Cursor, Limit
from api.schemas.decisions import DecisionAsked, DecisionJson, DecisionsJson, decision_json
from api.security import Needs, RowId, Scope
from review import services
from review.models import Decision
from review.selectors import list_decisions
from review.shown_hits import ShownHit

router = Router(tags=["decisions"])
READS = Needs(Scope.DECISIONS_READ, "review.view_decision", is_of_admin=True)
DECIDES = Needs(Scope.DECISIONS_WRITE, services.PERMISSION)


@router.get("/decisions", url_name="decisions", auth=READS, response=DecisionsJson)
def decisions(
    request: HttpRequest, cursor: Cursor = "", limit: Limit = DEFAULT_LIMIT
) -> HttpResponse:
    """List what people have decided about images that you may see, the newest first."""
    found = list_decisions(request.user).select_related("decided_by")
    page, next_cursor = page_of(found, cursor, limit, moment="decided_at")
    items = [decision_json(each) for each in page]
    return respond(DecisionsJson(items=items, next_cursor=next_cursor))


@router.post("/decisions", auth=DECIDES, response=DecisionJson)
@idempotent
def decide(request: HttpRequest, asked: DecisionAsked) -> HttpResponse:
    """Say what a hit of a search is: the search has to be one of your own, of the last day."""
    shown = ShownHit.from_signed(asked.hit, request.user)
    decision = services.decide(shown, Decision.Judgement(asked.judgement), by=request.user)
    return respond(decision_json(decision))


@router.delete(
    "/decisions/{int:decision_id}", url_name="decision", auth=DECIDES, response={204: None}
)
def take_back_decision(request: HttpRequest, decision_id: RowId) -> HttpResponse:
    """Take back one of your own decisions."""
    own = list_decisions(request.user).filter(decided_by=request.user.pk)
    services.delete(get_object_or_404(own, pk=decision_id), by_id=request.user.pk)
    return HttpResponse(status=204)
