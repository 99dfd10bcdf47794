"""What people say of hits."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.schemas.base import GivenJson, TakenJson, Text
from review.models import Decision


class DecisionAsked(TakenJson):
    """What is said of a hit, in place of what the account said of it before."""

    hit: Annotated[Text, Field(max_length=2000, description="`decide_with` of a search's hit")]
    judgement: Decision.Judgement


class DecisionJson(GivenJson):
    """What somebody said of an image, and what they were shown of it."""

    id: int
    query_sha256: str
    query_image_id: UUID | None
    query_box: str
    image_id: UUID
    image_box: str
    judgement: Decision.Judgement
    decided_by: str | None
    decided_at: datetime
    shown_verdict: str
    score: float | None
    probability: float | None
    encoder_version_id: int


class DecisionsJson(GivenJson):
    """A page of decisions, the newest first."""

    items: list[DecisionJson]
    next_cursor: str | None


def decision_json(decision: Decision) -> DecisionJson:
    """Return a decision's shape."""
    names = set(DecisionJson.model_fields) - {"decided_by"}
    by = decision.decided_by
    return DecisionJson(
        **{name: getattr(decision, name) for name in names},
        decided_by=None if by is None else by.get_username(),
    )
