"""Addresses of searches with a picture that was asked with before."""

from collections.abc import Sequence

from django.urls import reverse
from django.utils.http import urlencode

from kernel.task_messages import Box
from search.asked_pictures import AskedPicture
from search.question import Wait


def picture_fields(asked: AskedPicture, name: str) -> list[tuple[str, str]]:
    """Return the fields of an address that name its picture.

    Args:
        asked: the picture.
        name: of a kept query's; only shown. An image has its own.
    """
    if asked.image is not None:
        return [("image", str(asked.image.pk))]
    return [("query", str(asked.stored.id)), *([("name", name)] if name else [])]


def search_address(
    asked: AskedPicture,
    *,
    name: str = "",
    box: Box | None = None,
    labels: Sequence[str] = (),
    wait: Wait | None = None,
) -> str:
    """Return the address of a search with a picture, or with a box of it.

    Args:
        asked: the picture.
        name: of a kept query's; only shown.
        box: x0, y0, x1, y1 in pixels of the upright picture; None is all.
        labels: of objects that the images have to show.
        wait: what of the answer is waited for; None says nothing of it.
    """
    fields = [*picture_fields(asked, name), *(("label", label) for label in labels)]
    if box is not None:
        fields.append(("box", ",".join(str(number) for number in box)))
    if wait is not None:
        fields.append(("wait", wait.value))
    return address(fields)


def address(fields: Sequence[tuple[str, str]]) -> str:
    """Return the search page's address with these fields."""
    return f"{reverse('search:page')}?{urlencode(fields)}"


def picture_url(asked: AskedPicture) -> str:
    """Return where a picture that is searched with can be seen, as a JPEG."""
    if asked.image is not None:
        return reverse("search:image_preview", args=(asked.image.pk,))
    return reverse("search:query", args=(asked.stored.id,))
