"""Shares as people read them."""

from django import template
from django.utils.formats import number_format

register = template.Library()


@register.filter
def percent(share: float) -> str:
    """Return a share, 0..1, in per cent with one digit, in the active language's way."""
    return f"{number_format(f'{100 * share:.1f}')}%"
