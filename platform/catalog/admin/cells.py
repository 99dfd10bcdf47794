"""How a value is shown, in more than one of the admin's pages."""

from django.utils.html import format_html


def breakable(long_word: str) -> str:
    """Return a word, such as a hash, that a narrow screen may break."""
    return format_html('<span style="overflow-wrap:anywhere">{}</span>', long_word)
