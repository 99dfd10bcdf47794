"""When a request is sent again, and how long is waited first."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from semblance_client.errors import ApiError

# The site is there, but not for this request just now: nothing was done.
_NOT_DONE = frozenset({429, 503})
# Something between did not hear from the site: it may have been done.
_PERHAPS_DONE = frozenset({502, 504})
# The first try of the same Idempotency-Key is still at work.
_UNDER_WAY = "request:conflict:under-way"


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a request is sent, and the pauses between.

    Each pause is twice the one before, up to `max_pause_s`, less a random part, so that many
    clients do not come back at the same moment; and never shorter than what the site asks for
    (Retry-After). Where it asks for more than `max_pause_s`, its answer is raised at once.

    Attributes:
        attempts: tries in all; 1 sends nothing again.
        first_pause_s: seconds before the second.
        max_pause_s: of one pause.
    """

    attempts: int = 8
    first_pause_s: float = 0.5
    max_pause_s: float = 60.0

    def pause_after(
        self, error: ApiError | httpx.TransportError, *, attempt: int, is_repeatable: bool
    ) -> float | None:
        """Return the seconds to wait before a request is sent again; None is: not again.

        Args:
            error: how this try ended.
            attempt: its number, from 1.
            is_repeatable: whether doing it twice is the same as doing it once.
        """
        if attempt >= self.attempts or not _may_repeat(error, is_repeatable=is_repeatable):
            return None
        asked = error.retry_after_s if isinstance(error, ApiError) else None
        if asked is not None and asked > self.max_pause_s:
            return None
        pause = min(self.max_pause_s, self.first_pause_s * 2 ** (attempt - 1))
        less = random.uniform(0.5, 1.0)  # noqa: S311  # spreads load, guards nothing
        return max(asked or 0.0, float(pause * less))


def _may_repeat(error: ApiError | httpx.TransportError, *, is_repeatable: bool) -> bool:
    if isinstance(error, ApiError):
        if error.status in _NOT_DONE or error.code == _UNDER_WAY:
            return True
        return is_repeatable and error.status in _PERHAPS_DONE
    if isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return False
    # Who was never connected has sent nothing.
    return is_repeatable or isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)


def retry_after_s(header: str | None) -> float | None:
    """Return what Retry-After says, in seconds from now; None where it says nothing."""
    if not header:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
