"""What all shapes of the API share."""

from datetime import date
from http import HTTPStatus
from typing import Annotated, Any, Final

from django.db.models import TextChoices
from ninja import Schema
from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema

from catalog.models import Image
from kernel.errors import UserInputError
from site_http.responses import Problem

MAX_LIMIT: Final = 200
DEFAULT_LIMIT: Final = 50


class GivenJson(Schema):
    """What the API gives; it promises each member that is listed."""


class TakenJson(Schema):
    """What the API takes; a member that it does not know is refused, and not passed over."""

    model_config = ConfigDict(extra="forbid")


def choices_of(choices: type[TextChoices]) -> WithJsonSchema:
    """Return how the document describes one of a few words, where several have the same name."""
    return WithJsonSchema({"type": "string", "enum": list(choices.values)})


def _plain(text: str) -> str:
    """Refuse what no database and no file holds: NUL, and halves of characters."""
    if "\0" in text or text != text.encode(errors="ignore").decode():
        raise ValueError("it has a NUL, or half a character")
    return text


def trimmed(text: str) -> str:
    """Return a text without the blanks around it; refuse one that is nothing else."""
    if not text.strip():
        raise ValueError("it is empty")
    return text.strip()


Text = Annotated[str, AfterValidator(_plain)]
Box = Annotated[
    list[int],
    Field(
        min_length=4,
        max_length=4,
        description="x0, y0, x1, y1 in pixels of the upright picture; half-open",
    ),
]
Limit = Annotated[
    int, Field(ge=1, le=MAX_LIMIT, description="so many at most; there may be more after it")
]
Cursor = Annotated[
    str, Field(max_length=500, description="`next_cursor` of the page before; none is the first")
]


class FilterFields(TakenJson):
    """Which images; each that is given narrows them down. Named as on the search page."""

    label: list[Annotated[Text, Field(max_length=100)]] = Field(
        [], max_length=20, description="with any of these objects in them"
    )
    medium: list[Image.Medium] = Field([], max_length=20)
    tag: list[Annotated[Text, Field(max_length=100)]] = Field(
        [], max_length=20, description="with any of these tags"
    )
    album: list[Annotated[Text, Field(max_length=200)]] = Field(
        [], max_length=20, description="in any of these albums"
    )
    owner: list[Annotated[Text, Field(max_length=200)]] = Field(
        [], max_length=20, description="of any of these owners"
    )
    licence: list[Annotated[Text, Field(max_length=200)]] = Field(
        [], max_length=20, description="under any of these licences"
    )
    folder: list[Annotated[Text, Field(max_length=1000)]] = Field(
        [], max_length=20, description="below any of these folders"
    )
    added_from: date | None = Field(None, description="the first day on which they were added")
    added_to: date | None = Field(None, description="the last one")
    min_side: int | None = Field(None, ge=1, le=1_000_000, description="pixels, the longer side")
    max_side: int | None = Field(None, ge=1, le=1_000_000, description="pixels, the longer side")


class ProblemJson(GivenJson):
    """A failure (RFC 9457). Act on `code`, which stays; `detail` is for people."""

    type: str = Field(description="where the code is explained")
    title: str
    status: int
    code: str = Field(description="such as `image:user:too-large`; stable")
    detail: str = Field(description="a sentence, in the language of Accept-Language")
    errors: list[dict[str, Any]] | None = Field(
        None, description="of `request:user:invalid`: what is wrong, and at which place"
    )


def problem_shape(problem: Problem) -> ProblemJson:
    """Return a problem as a member of an answer."""
    return ProblemJson(
        type=f"/api/v1/docs#{problem.code}",
        title=HTTPStatus(problem.status).phrase,
        status=problem.status,
        code=problem.code,
        detail=problem.sentence,
        errors=None,
    )


def chosen_fields(asked: str, known: set[str]) -> set[str] | None:
    """Return which members of its items a caller wants; None is all. `id` is always one.

    Raises:
        UserInputError: "request:user:unknown-fields".
    """
    if not asked:
        return None
    names = {each.strip() for each in asked.split(",")} - {""}
    if unknown := sorted(names - known):
        raise UserInputError("request:user:unknown-fields", fields=", ".join(unknown)[:200])
    return names | {"id"}
