"""What goes wrong, as a caller meets it."""

from collections.abc import Mapping, Sequence
from typing import Any


class SemblanceError(Exception):
    """Anything that this package raises."""


class ApiError(SemblanceError):
    """The site refused, and says why. Act on `code`, which stays; `detail` is for people.

    Attributes:
        status: HTTP's.
        code: such as "image:user:too-large"; "" where something before the site answered.
        detail: a sentence.
        errors: of "request:user:invalid": what is wrong, and at which place.
        retry_after_s: when the next try is worth it; None where no waiting helps or none is named.
        request_id: names the request in the site's logs.
    """

    def __init__(
        self,
        status: int,
        *,
        code: str = "",
        detail: str = "",
        errors: Sequence[Mapping[str, Any]] = (),
        retry_after_s: float | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(f"{status} {code}: {detail}" if code else f"{status} {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.retry_after_s = retry_after_s
        self.request_id = request_id

    @property
    def is_refused_caller(self) -> bool:
        """Whether the token is missing, counts no more, or may not do this."""
        return self.status in {401, 403}

    @property
    def is_passing(self) -> bool:
        """Whether the same request may do later."""
        return self.status in {429, 502, 503, 504}


class NotReachable(SemblanceError):
    """The site did not answer, also after several tries."""


class UnexpectedAnswer(SemblanceError):
    """What answered is no Semblance, or one whose answers this version cannot read."""
