"""What every answer of the site has in common: its id, error pages, what a page may load."""

import logging
import uuid
from collections.abc import Callable, Mapping
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers

from config.logs import log_context
from kernel.errors import AppError, DefectError
from kernel.messages import sentence
from site_http.access import LOGIN
from site_http.responses import Problem, error_json, mark, present_error, wants_json

logger = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponse]

# What Django itself, or a view, refuses without a code of ours.
_CODES: Mapping[int, str] = {
    HTTPStatus.BAD_REQUEST: "request:user:malformed",
    HTTPStatus.UNAUTHORIZED: "request:user:logged-out",
    HTTPStatus.FORBIDDEN: "request:user:forbidden",
    HTTPStatus.NOT_FOUND: "request:user:not-found",
    HTTPStatus.METHOD_NOT_ALLOWED: "request:user:wrong-method",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "request:user:too-large",
    HTTPStatus.INTERNAL_SERVER_ERROR: "request:ours:failed",
}
_KEPT_HEADERS = frozenset({"Allow", "Vary"})

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


class JsonErrorMiddleware:
    """Answer programs in JSON, whatever refused them: Django's own error pages are for people."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Replace a page that says no, or asks to log in, where JSON is wanted."""
        response = self.get_response(request)
        status = HTTPStatus.UNAUTHORIZED if _asks_to_log_in(response) else response.status_code
        is_json = response.get("Content-Type", "").startswith("application/json")
        if status not in _CODES or is_json or not wants_json(request):
            return response
        code = _CODES[status]
        answer = error_json(Problem(status, code, sentence(code)))
        for name in _KEPT_HEADERS & set(response.headers):
            answer[name] = response[name]
        patch_vary_headers(answer, ["Accept"])
        return answer


def _asks_to_log_in(response: HttpResponse) -> bool:
    if response.status_code != HTTPStatus.FOUND:
        return False
    return urlsplit(response["Location"]).path in {reverse(LOGIN), reverse("admin:login")}


class NoNulMiddleware:
    """Refuse NUL characters in addresses and cookies: PostgreSQL takes no text with one.

    Those in forms are refused by the forms' fields.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on, or answer 400."""
        address = request.path_info + unquote(request.META.get("QUERY_STRING", ""))
        if "\0" in address or any("\0" in value for value in request.COOKIES.values()):
            raise BadRequest("NUL character")
        return self.get_response(request)


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
