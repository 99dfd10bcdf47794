"""Writes that count only for what their sender has read."""

from collections.abc import Callable

from django.http import HttpRequest

from kernel.errors import UserInputError

# Some, and not for ever: an ETag is 34 characters.
_MAX_CHARS = 4_000


def check_if_match(request: HttpRequest, current: Callable[[], str]) -> None:
    """Refuse a write whose If-Match does not name what is there now.

    Args:
        request: the write.
        current: returns the ETag of what is there, in the write's transaction.

    Raises:
        UserInputError: "request:user:changed-meanwhile".
    """
    header = request.headers.get("If-Match", "").strip()[:_MAX_CHARS]
    if not header or header == "*":
        return
    if current() not in {each.strip() for each in header.split(",")}:
        raise UserInputError("request:user:changed-meanwhile")
