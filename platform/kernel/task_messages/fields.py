"""Reading the JSON of a message: every field there, of its type, and none besides."""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast
from uuid import UUID

from kernel.errors import DefectError

T = TypeVar("T")
LiteralT = TypeVar("LiteralT", bound=str)

JsonObject = dict[str, Any]
Reader = Callable[[object], T]

Box = tuple[int, int, int, int]
Point = tuple[float, float]

_SHOWN_CHARS = 80


class MalformedMessage(DefectError):
    """The other side says what this one does not understand: their releases do not fit."""

    def __init__(self, detail: str) -> None:
        super().__init__("messages:ours:malformed", detail=detail)

    @property
    def detail(self) -> str:
        """The field, from the outside in, and what is wrong with it."""
        return str(self.context["detail"])


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one JSON object; those that are not asked for are passed over.

    So the other side may be a release ahead and send more.
    """

    values: Mapping[str, object]

    @classmethod
    def of(cls, value: object) -> "Fields":
        """Return the fields of a value; a missing one shows when it is read.

        Raises:
            MalformedMessage: it is no object.
        """
        if not isinstance(value, Mapping):
            raise _unlike("an object", value)
        return cls(value)

    def read(self, name: str, read: Reader[T]) -> T:
        """Return one field.

        Raises:
            MalformedMessage: it is missing, or is not what `read` reads.
        """
        if name not in self.values:
            raise MalformedMessage(f"{name} is missing")
        try:
            return read(self.values[name])
        except MalformedMessage as error:
            raise MalformedMessage(f"{name}: {error.detail}") from error


def integer(value: object) -> int:
    """Read a whole number."""
    if type(value) is not int:  # True is an int to isinstance
        raise _unlike("a whole number", value)
    return value


def number(value: object) -> float:
    """Read a finite number, as it is: JSON makes no difference between 1 and 1.0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _unlike("a number", value)
    if isinstance(value, float) and not math.isfinite(value):
        raise _unlike("a finite number", value)
    return value


def boolean(value: object) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise _unlike("true or false", value)
    return value


def text(value: object) -> str:
    """Read a string."""
    if not isinstance(value, str):
        raise _unlike("a string", value)
    return value


def uuid(value: object) -> UUID:
    """Read an id."""
    try:
        return UUID(text(value))
    except ValueError:
        raise _unlike("a UUID", value) from None


def one_of(names: Collection[LiteralT]) -> Reader[LiteralT]:
    """Return what reads one of these strings."""

    def read(value: object) -> LiteralT:
        if value not in names:
            raise _unlike(f"one of {', '.join(names)}", value)
        return cast("LiteralT", value)

    return read


def optional(read: Reader[T]) -> Reader[T | None]:
    """Return what reads null, too."""
    return lambda value: None if value is None else read(value)


def many(read: Reader[T], *, count: int | None = None) -> Reader[tuple[T, ...]]:
    """Return what reads a list, of that many elements where a count is given."""

    def read_all(value: object) -> tuple[T, ...]:
        if not isinstance(value, list | tuple) or count not in (None, len(value)):
            raise _unlike("a list" if count is None else f"a list of {count}", value)
        elements = Fields({str(index): each for index, each in enumerate(value)})
        return tuple(elements.read(index, read) for index in elements.values)

    return read_all


def box(value: object) -> Box:
    """Read x0, y0, x1, y1 in whole pixels; whether they lie in a picture is not asked here."""
    x0, y0, x1, y1 = many(integer, count=4)(value)
    return x0, y0, x1, y1


def point(value: object) -> Point:
    """Read x, y in pixels."""
    x, y = many(number, count=2)(value)
    return x, y


def _unlike(expected: str, value: object) -> MalformedMessage:
    return MalformedMessage(f"{expected} is expected, not {repr(value)[:_SHOWN_CHARS]}")
