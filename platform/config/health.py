"""Two questions from outside: is the web process alive, and can the site do its work?"""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config.readiness import READINESS
from site_http.vary import always_same_for_all


@always_same_for_all
@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer "ok". No part is asked: starting this process again mends none of them."""
    return HttpResponse("ok", content_type="text/plain")


@always_same_for_all
@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 where the site can search and take in, else 503; each part is "ok" or a code."""
    codes = READINESS.look()
    is_ready = not any(codes.values())
    return JsonResponse(
        {"ready": is_ready, "parts": {name: code or "ok" for name, code in codes.items()}},
        status=HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE,
    )
