"""What every answer of the site has in common: its id, error pages, what a page may load."""

import logging
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from config.logs import log_context
from kernel.errors import AppError, DefectError
from site_http.responses import error_json, mark, present_error, wants_json

logger = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponse]

# Our pages load their own files only; pictures also come as data: (in the admin's style sheets) and
# blob: (the preview of a chosen file).
_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)


class RequestIdMiddleware:
    """Give each request an id, on its log lines and in its answer."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request with `X-Request-ID` set."""
        request_id = uuid.uuid4().hex[:12]
        token = log_context.set({"request_id": request_id})
        try:
            response = self.get_response(request)
        finally:
            log_context.reset(token)
        response["X-Request-ID"] = request_id
        return response


class ContentSecurityPolicyMiddleware:
    """Forbid inline scripts and foreign files on our pages; the admin's own scripts need both."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Add the policy to every answer that is not the admin's."""
        response = self.get_response(request)
        match = request.resolver_match
        if match is None or match.app_name != "admin":
            response.setdefault("Content-Security-Policy", _POLICY)
        return response


class ErrorPageMiddleware:
    """Answer every error of ours that a view let through, with its sentence."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Return the error's page, or its JSON; None for errors that are not ours."""
        if not isinstance(error, AppError):
            return None
        if isinstance(error, DefectError):
            logger.error("request failed", extra={"code": error.code}, exc_info=error)
        else:
            logger.warning("request refused", extra={"code": error.code})
        problem = present_error(error)
        if wants_json(request):
            return error_json(problem)
        return mark(render(request, "error.html", {"problem": problem}), problem)
