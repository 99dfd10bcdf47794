"""The buttons on every hit, for who may decide."""

from dataclasses import dataclass
from typing import Any

from django import template
from django.http import HttpRequest

from review.models import Decision
from review.selectors import find_own
from review.shown_hits import ShownHit
from review.views import TAKEN_BACK
from search.presenters.page import GroupSection, HitCard, ResultPage

register = template.Library()

_OWN = "_own_decisions"


@dataclass(frozen=True, slots=True)
class DecisionButton:
    """One of the three: what it says, what it sends, and whether it is what was decided."""

    name: str
    judgement: str
    sends: str
    is_pressed: bool


@dataclass(frozen=True, slots=True)
class DecisionForm:
    """The form of one hit: its id on the page, the hit signed, where it leads back, its buttons."""

    key: str
    signed: str
    way_back: str
    buttons: tuple[DecisionButton, ...]


@register.simple_tag(takes_context=True)
def decision_form(
    context: template.Context, result: ResultPage, group: GroupSection, hit: HitCard
) -> DecisionForm:
    """Return the form of one hit; what the person has decided already is asked for once a page."""
    x, y, width, height = group.part.box
    shown = ShownHit.of(result.found, (group.part.kind, (x, y, x + width, y + height)), hit.found)
    own = _own(context["request"], shown.query_sha256)
    chosen = own.get((shown.query_box, hit.found.image.pk))
    key = f"decision-{group.part.key}-{shown.image_id}"
    return DecisionForm(
        key=key,
        signed=shown.signed(context["request"].user),
        way_back=f"{result.proofs_url}#{key}",
        buttons=tuple(
            DecisionButton(
                name=str(each.label),
                judgement=each.value,
                sends=TAKEN_BACK if each == chosen else each.value,
                is_pressed=each == chosen,
            )
            for each in Decision.Judgement
        ),
    )


def _own(request: HttpRequest, query_sha256: str) -> dict[Any, str]:
    known: dict[str, dict[Any, str]] = request.__dict__.setdefault(_OWN, {})
    if query_sha256 not in known:
        known[query_sha256] = find_own(query_sha256, request.user.pk)
    return known[query_sha256]
