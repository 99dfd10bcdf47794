"""What all shapes of the API share."""

from typing import Annotated, Any, Final

from ninja import Schema
from pydantic import AfterValidator, ConfigDict, Field

from kernel.errors import UserInputError

MAX_LIMIT: Final = 200
DEFAULT_LIMIT: Final = 50


class GivenJson(Schema):
    """What the API gives; it promises each member that is listed."""


class TakenJson(Schema):
    """What the API takes; a member that it does not know is refused, and not passed over."""

    model_config = ConfigDict(extra="forbid")


def _plain(text: str) -> str:
    """Refuse what no database and no file holds: NUL, and halves of characters."""
    if "\0" in text or text != text.encode(errors="ignore").decode():
        raise ValueError("it has a NUL, or half a character")
    return text


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
