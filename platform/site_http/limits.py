"""How much each caller may ask, so that one does not take what is there for all (ADR 45).

A caller is a token, an account, or the address of a visitor; callers on this machine are not
counted by their address, since all of them, and all behind a proxy that is not believed, share it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import uuid4

from django.conf import settings
from django.http import HttpRequest

from kernel.errors import LimitReached
from site_http.callers import caller_address, is_this_machine
from site_http.counters import Share, counters

_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
# What is never left, since its process died, counts no more after it.
_LEASE_S: Final = 120.0
# Where somebody has too much under way, the next try is worth it soon.
_NEXT_TRY_S: Final = 1.0


class Limited(StrEnum):
    """What is counted."""

    SEARCHES = "searches"
    FETCHES = "fetches"  # pictures that the site gets from an address
    UPLOADS = "uploads"  # files for the catalogue
    KEPT_BYTES = "kept-bytes"  # of pictures that were searched with
    UNKNOWN_TOKENS = "unknown-tokens"


_WINDOW_S: Final = {Limited.KEPT_BYTES: _HOUR_S}


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a caller has left of something, for the answer's headers."""

    what: Limited
    limit: int
    window_s: int
    share: Share


def take(request: HttpRequest, what: Limited, amount: int = 1, *, apart: str = "") -> None:
    """Count what a caller asks for.

    Args:
        request: what is answered.
        what: is counted.
        amount: of it.
        apart: the name of a count of its own, under the same limit; "" is the common one.

    Raises:
        LimitReached: "limit:transient:…": that is too much; nothing was counted.
    """
    key, limit = _caller(request), _limit(request, settings.LIMITS[what])
    if key is None or not limit:
        return
    window_s = _WINDOW_S.get(what, _MINUTE_S)
    name = f"{key}:{what}:{apart}" if apart else f"{key}:{what}"
    share = counters().take(name, amount, limit=limit, window_s=window_s)
    allowances(request).append(Allowance(what, limit, window_s, share))
    if not share.is_given:
        wait_s = max(1.0, share.wait_s)
        raise LimitReached(
            f"limit:transient:{what}", limit=limit, seconds=round(wait_s), retry_after_s=wait_s
        )


@contextmanager
def at_once(request: HttpRequest, what: Limited) -> Iterator[None]:
    """Count what a caller has under way.

    Raises:
        LimitReached: "limit:transient:at-once".
    """
    key, limit = _caller(request), _limit(request, settings.LIMITS_AT_ONCE[what])
    if key is None or not limit:
        yield
        return
    ticket, key = uuid4().hex, f"{key}:{what}"
    if not counters().enter(key, ticket, limit=limit, lease_s=_LEASE_S):
        raise LimitReached("limit:transient:at-once", limit=limit, retry_after_s=_NEXT_TRY_S)
    try:
        yield
    finally:
        counters().leave(key, ticket)


def allowances(request: HttpRequest) -> list[Allowance]:
    """Return what was counted of a request so far."""
    found: list[Allowance] | None = getattr(request, "allowances", None)
    if found is None:
        found = request.allowances = []  # type: ignore[attr-defined]
    return found


def limit_by_token(request: HttpRequest, token_id: int) -> None:
    """Have a request be counted as its token's."""
    request.limited_as = f"token:{token_id}"  # type: ignore[attr-defined]


def _caller(request: HttpRequest) -> str | None:
    """Return whom a request is counted as; None of a visitor on this machine."""
    token: str | None = getattr(request, "limited_as", None)
    if token is not None:
        return token
    if request.user.is_authenticated:
        return f"account:{request.user.pk}"
    address = caller_address(request)
    return None if is_this_machine(address) else f"address:{address}"


def _limit(request: HttpRequest, of_visitors_and_accounts: tuple[int, int]) -> int:
    visitors, accounts = of_visitors_and_accounts
    is_account = hasattr(request, "limited_as") or request.user.is_authenticated
    return accounts if is_account else visitors
