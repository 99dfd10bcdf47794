"""Errors by responsibility: whose move is it next, the person's or ours?

A code is a stable string, ``area:responsibility:what``; its sentence lives in
``kernel.messages``, so wording can change and be translated without touching a raise site.
"""

from typing import Final


class AppError(Exception):
    """A failure with a stable code. Raise one of the four subclasses, never this."""

    def __init__(self, code: str, **context: object) -> None:
        """Keep ``code`` and the values that its sentence names."""
        super().__init__(code, context)
        self.code = code
        self.context = context

    def __str__(self) -> str:
        """Return the code and its context, for logs."""
        details = ", ".join(f"{key}={value!r}" for key, value in self.context.items())
        return f"{self.code} ({details})" if details else self.code

    def __reduce__(self) -> tuple[object, ...]:
        """Let the error cross from a worker's child to its parent, which is done by pickling."""
        return _rebuild, (type(self), self.code, self.context)


def _rebuild(kind: type[AppError], code: str, context: dict[str, object]) -> AppError:
    error = kind.__new__(kind)
    AppError.__init__(error, code, **context)
    if isinstance(error, LimitReached):
        error.retry_after_s = float(str(context["retry_after_s"]))
    return error


class UserInputError(AppError):
    """The person who sent it can mend it. Shown to them, never retried."""


class GoneError(UserInputError):
    """What is asked for was kept for a while only, and that is over."""


class ConflictError(AppError):
    """Already done, or somebody else did it first. Nothing to repeat."""


class TransientError(AppError):
    """A part is away for the moment. The only kind that is retried."""

    retry_after_s: float = 5.0


class LimitReached(TransientError):
    """Somebody asks more than their share; others go on. After `retry_after_s` they may again."""

    def __init__(self, code: str, *, retry_after_s: float, **context: object) -> None:
        """Keep when the next try is worth it, in seconds."""
        super().__init__(code, retry_after_s=retry_after_s, **context)
        self.retry_after_s = retry_after_s


class DefectError(AppError):
    """Ours: a broken promise between two parts of the system."""


class FileMissing(DefectError):
    """A stored file is gone. Who can do without it catches this, and nothing else of ours."""

    CODE: Final = "storage:ours:file-missing"

    def __init__(self, **context: object) -> None:
        super().__init__(self.CODE, **context)
