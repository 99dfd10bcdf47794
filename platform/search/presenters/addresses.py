"""Addresses of searches with a picture that was asked with before."""

from django.urls import reverse
from django.utils.http import urlencode

from catalog.addresses import page_address
from kernel.task_messages import Box
from search.asked_pictures import AskedPicture
from search.filter_fields import fields_of
from search.question import Filters, Sort, Wait


def search_address(
    asked: AskedPicture,
    *,
    name: str = "",
    box: Box | None = None,
    filters: Filters | None = None,
    sort: Sort = Sort.VERDICT,
    wait: Wait | None = None,
) -> str:
    """Return the address of a search with a picture, or with a box of it.

    Args:
        asked: the picture.
        name: of a kept query's; only shown.
        box: x0, y0, x1, y1 in pixels of the upright picture; None is all.
        filters: which images may be found; None is all.
        sort: their order.
        wait: what of the answer is waited for; None says nothing of it.
    """
    fields = [
        *picture_fields(asked, name),
        *fields_of(Filters() if filters is None else filters, sort),
    ]
    if box is not None:
        fields.append(("box", ",".join(str(number) for number in box)))
    if wait is not None:
        fields.append(("wait", wait.value))
    return f"{page_address('search:page')}?{urlencode(fields)}"


def picture_url(asked: AskedPicture) -> str:
    """Return where a picture that is searched with can be seen, as a JPEG."""
    if asked.image is not None:
        return reverse("search:image_preview", args=(asked.image.pk,))
    return reverse("search:query", args=(asked.stored.id,))


def picture_fields(asked: AskedPicture, name: str) -> list[tuple[str, str]]:
    """Return the fields of an address that name its picture; `name` is a kept query's."""
    if asked.image is not None:  # which has a name of its own
        return [("image", str(asked.image.pk))]
    return [("query", str(asked.stored.id)), *([("name", name)] if name else [])]
