"""How long a request's body may be: little, but where an address takes files.

The web server keeps no longer body (`config.web_server`), and `config.middleware` refuses it.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.urls import Resolver404, resolve

View = Callable[..., HttpResponse]

# Of a form with files: all that is not their content.
_FIELDS_BYTES = 1024 * 1024


def takes_files(setting: str) -> Callable[[View], View]:
    """Let a view take files of as many bytes in all as a setting says.

    Args:
        setting: name of one of Django's settings.
    """

    def marked(view: View) -> View:
        view.max_files_setting = setting  # type: ignore[attr-defined]
        return view

    return marked


def max_body_bytes(path: str) -> int:
    """Return the bytes that a request's body may have at a path."""
    try:
        view: Any = resolve(path).func
    except Resolver404:
        return _FIELDS_BYTES
    setting = getattr(view, "max_files_setting", None)
    return _FIELDS_BYTES + (0 if setting is None else int(getattr(settings, setting)))
