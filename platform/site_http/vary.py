"""What an answer differs by: `Vary` says it, and says no more than is so.

Sessions, languages and tokens of forms each name their header on every answer that they touched on
its way, whether the answer shows any of it or not.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

View = Callable[..., HttpResponse]


def same_for_all(response: HttpResponse) -> HttpResponse:
    """Mark an answer that is the same for everybody who gets it; return it.

    A picture is one: who is logged in decides whether it is shown, but that is asked each time (ADR
    24), and no cache has to keep one for each cookie and language.
    """
    response.is_same_for_all = True  # type: ignore[attr-defined]
    return response


def always_same_for_all(view: View) -> View:
    """Mark each answer of a view as the same for everybody."""

    @wraps(view)
    def marked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return same_for_all(view(request, *args, **kwargs))

    return marked


class VaryMiddleware:
    """Take `Vary` from answers that are the same for all; name Accept where it decided."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with the right `Vary`."""
        response = self.get_response(request)
        if getattr(response, "is_same_for_all", False):
            del response["Vary"]
        elif getattr(request, "is_negotiated", False):
            patch_vary_headers(response, ["Accept"])
        return response
