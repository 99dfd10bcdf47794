"""Addresses with an image's id: a page of hits has hundreds, and each `reverse` is dear."""

from functools import cache
from uuid import UUID

from django.urls import reverse

_ANY_ID = UUID(int=0)


def image_address(name: str, image_id: UUID, *rest: str) -> str:
    """Return what `reverse` does, which is asked the first time alone.

    Args:
        name: of the address, whose first argument is an image's id.
        image_id: the image's.
        rest: its other arguments, out of a few.

    Raises:
        NoReverseMatch: there is no such address.
    """
    before, after = _around_id(name, *rest)
    return f"{before}{image_id}{after}"


@cache
def _around_id(name: str, *rest: str) -> tuple[str, str]:
    before, _, after = reverse(name, args=(_ANY_ID, *rest)).partition(str(_ANY_ID))
    return before, after


@cache
def page_address(name: str) -> str:
    """Return what `reverse` does of an address without arguments, and remember it."""
    return reverse(name)
