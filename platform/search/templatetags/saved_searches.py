"""The form that saves the search whose page it stands on."""

from typing import Any

from django import template
from django.http import HttpRequest

from kernel.errors import UserInputError
from search.saved import find_saved, read_address

register = template.Library()


@register.inclusion_tag("search/save.html", takes_context=True)
def save_search(context: dict[str, Any]) -> dict[str, Any]:
    """Show the form, or under which name the search is saved; nothing where there is no address."""
    request: HttpRequest = context["request"]
    shown: dict[str, Any] = {"request": request, "user": request.user}
    try:
        asked = read_address(request.GET.urlencode())
    except UserInputError:
        return shown
    shown |= {"address": asked.text, "name": asked.name}
    if request.user.is_authenticated:
        shown |= {"saved": find_saved(request.user, asked.text)}
    return shown
