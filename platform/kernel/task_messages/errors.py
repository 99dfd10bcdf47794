"""How an error crosses from a worker to the web, and is of its own class again there."""

from collections.abc import Mapping
from dataclasses import dataclass

from kernel.errors import (
    AppError,
    ConflictError,
    DefectError,
    FileMissing,
    TransientError,
    UserInputError,
)
from kernel.task_messages.fields import Fields, JsonObject, MalformedMessage, text

_RESPONSIBLE: dict[str, type[AppError]] = {
    "user": UserInputError,
    "conflict": ConflictError,
    "transient": TransientError,
    "ours": DefectError,
}


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """That the task ended in an error of ours, in place of its answer.

    Attributes:
        code: the error's.
        context: the values that its sentence names; JSON only.
    """

    code: str
    context: Mapping[str, object]

    @classmethod
    def of(cls, error: AppError) -> "ErrorAnswer":
        """Return how an error is said."""
        return cls(error.code, error.context)

    @property
    def error(self) -> AppError:
        """The error again, of its own class: the code says whose it is."""
        if self.code == FileMissing.CODE:
            return FileMissing(**self.context)
        return _RESPONSIBLE[_responsibility(self.code)](self.code, **self.context)

    def to_json(self) -> JsonObject:
        """Return the answer of the task."""
        return {"error": self.code, "context": dict(self.context)}

    @staticmethod
    def is_one(answer: Mapping[str, object]) -> bool:
        """Return whether an answer says an error."""
        return "error" in answer

    @classmethod
    def from_json(cls, answer: object) -> "ErrorAnswer":
        """Read the answer of the task.

        Raises:
            MalformedMessage: it is no error, or its code names no responsibility.
        """
        fields = Fields.of(answer)
        return cls(fields.read("error", _code), fields.read("context", _context))


def _responsibility(code: str) -> str:
    _area, responsibility, _what = code.split(":")
    return responsibility


def _code(value: object) -> str:
    code = text(value)
    try:
        is_known = _responsibility(code) in _RESPONSIBLE
    except ValueError:
        is_known = False
    if not is_known:
        raise MalformedMessage(f"{code[:80]!r} is no error's code")
    return code


def _context(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise MalformedMessage("an object is expected")
    return value
