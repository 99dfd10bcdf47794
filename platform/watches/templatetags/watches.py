"""How many hits are new to who looks at a page."""

from typing import Any

from django import template
from django.utils.formats import number_format

from watches.selectors import MAX_COUNTED, count_unseen

register = template.Library()


@register.inclusion_tag("watches/count.html", takes_context=True)
def unseen_hits(context: dict[str, Any]) -> dict[str, Any]:
    """Show the link to watches, with the count."""
    count = count_unseen(context["user"])
    shown = number_format(count) if count <= MAX_COUNTED else f"{MAX_COUNTED}+"
    return {"count": count, "shown": shown}
