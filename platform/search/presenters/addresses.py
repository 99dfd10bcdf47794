"""Addresses of searches with a picture that was asked with before."""

from uuid import UUID

from django.urls import reverse
from django.utils.http import urlencode

from kernel.task_messages import Box
from search.filter_fields import fields_of
from search.question import Filters, Sort, Wait


def search_address(
    query_id: UUID,
    *,
    name: str = "",
    box: Box | None = None,
    filters: Filters | None = None,
    sort: Sort = Sort.VERDICT,
    wait: Wait | None = None,
) -> str:
    """Return the address of a search with a kept query, or with a box of it.

    Args:
        query_id: the query.
        name: of its picture; only shown.
        box: x0, y0, x1, y1 in pixels of the upright picture; None is all.
        filters: which images may be found; None is all.
        sort: their order.
        wait: what of the answer is waited for; None says nothing of it.
    """
    fields = [
        ("query", str(query_id)),
        *([("name", name)] if name else []),
        *fields_of(Filters() if filters is None else filters, sort),
    ]
    if box is not None:
        fields.append(("box", ",".join(str(number) for number in box)))
    if wait is not None:
        fields.append(("wait", wait.value))
    return f"{reverse('search:page')}?{urlencode(fields)}"
