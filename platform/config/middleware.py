"""What every answer of the site has in common: its id, error pages, what a page may load."""

import logging
import re
import time
import uuid
from collections.abc import Callable, Mapping
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

from django.core.exceptions import BadRequest, ValidationError
from django.db import DataError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.cache import patch_vary_headers

from config import error_pages
from config.logs import log_fields
from kernel.errors import UserInputError
from kernel.messages import sentence
from site_http.access import LOGIN
from site_http.bodies import max_body_bytes
from site_http.responses import PROBLEM_TYPE, Problem, answer, is_api, wants_json

logger = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponse]

# What Django itself, or a view, refuses without a code of ours.
_CODES: Mapping[int, str] = {
    HTTPStatus.BAD_REQUEST: "request:user:malformed",
    HTTPStatus.UNAUTHORIZED: "request:user:logged-out",
    HTTPStatus.FORBIDDEN: "request:user:forbidden",
    HTTPStatus.NOT_FOUND: "request:user:not-found",
    HTTPStatus.METHOD_NOT_ALLOWED: "request:user:wrong-method",
    HTTPStatus.PRECONDITION_FAILED: "request:user:changed-meanwhile",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "request:user:too-large",
    HTTPStatus.INTERNAL_SERVER_ERROR: "request:ours:failed",
}
_NO_NUMBER = re.compile(r"Field '\w+' expected a number but got ")
_KEPT_HEADERS = frozenset({"Allow", "Vary"})
_JSON_TYPES = ("application/json", PROBLEM_TYPE)

# Our pages load their own files only; pictures also come as data: (in the admin's style sheets) and
# blob: (the preview of a chosen file).
_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
# Unfold's pages are Alpine's: what stands in their attributes is made into functions, which is
# eval, and colours and widths stand in the pages. Inline scripts and handlers are forbidden to them
# too, so that text which somebody slips into a page does not run.
_ADMIN_POLICY = (
    f"{_POLICY}; script-src 'self' 'unsafe-eval'; script-src-attr 'none'; "
    "style-src 'self' 'unsafe-inline'"
)


class HeadMiddleware:
    """Leave the body of an answer to HEAD away: waitress sends whatever it is given."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with the headers that a GET would have."""
        response = self.get_response(request)
        if request.method != "HEAD":
            return response
        if response.streaming:
            response.close()
            response.streaming_content = ()  # type: ignore[attr-defined]  # it is streaming
            return response
        response.setdefault("Content-Length", str(len(response.content)))
        response.content = b""
        return response


class RequestIdMiddleware:
    """Give each request an id, on its log lines and in its answer, and a line of its own."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request with `X-Request-ID` set."""
        request_id = uuid.uuid4().hex[:12]
        with log_fields(request_id=request_id):
            started = time.perf_counter()
            response = self.get_response(request)
            took = {"status": response.status_code, "took_ms": _ms_since(started)}
            logger.info("%s %s", request.method, request.path, extra=took)
        response["X-Request-ID"] = request_id
        return response


def _ms_since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)


class ContentSecurityPolicyMiddleware:
    """Forbid inline scripts and foreign files on every page."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Add the policy to the answer; the admin's own has to allow more."""
        response = self.get_response(request)
        policy = _ADMIN_POLICY if _is_admins(request) else _POLICY
        response.setdefault("Content-Security-Policy", policy)
        return response


def _is_admins(request: HttpRequest) -> bool:
    match = request.resolver_match
    return match is not None and match.app_name == "admin"


class JsonErrorMiddleware:
    """Answer programs in JSON, whatever refused them: Django's own error pages are for people."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Replace a page that says no, or asks to log in, where JSON is wanted."""
        response = self.get_response(request)
        status = HTTPStatus.UNAUTHORIZED if _asks_to_log_in(response) else response.status_code
        is_json = response.get("Content-Type", "").startswith(_JSON_TYPES)
        if status not in _CODES or is_json:
            return response
        if not (is_api(request) or wants_json(request)):
            return response
        code = _CODES[status]
        as_json = answer(request, Problem(status, code, sentence(code)))
        for name in _KEPT_HEADERS & set(response.headers):
            as_json[name] = response[name]
        patch_vary_headers(as_json, ["Accept"])
        return as_json


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


class BodyLimitMiddleware:
    """Refuse a request that is longer than its address takes, unread."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer 413 to a body that is too long."""
        length = request.META.get("CONTENT_LENGTH") or "0"
        limit = max_body_bytes(request.path_info)
        if not length.isdecimal() or int(length) <= limit:
            return self.get_response(request)
        code = _CODES[HTTPStatus.REQUEST_ENTITY_TOO_LARGE]
        logger.warning("request refused", extra={"code": code, "bytes": int(length)})
        megabytes = limit // (1024 * 1024)
        problem = Problem(413, code, sentence(code, max_megabytes=megabytes))
        return answer(request, problem)


def _is_of_no_id(error: Exception) -> bool:
    """Whether an address or a form names a row by what is no id: no UUID, or no number that fits.

    Django's fields and SQL say so only once they are asked; there is no error of its own for it.
    """
    is_no_number = isinstance(error, ValueError) and _NO_NUMBER.match(str(error)) is not None
    return is_no_number or isinstance(error, ValidationError | OverflowError | DataError)


class ErrorPageMiddleware:
    """Answer every error of ours or of SQL that a view let through, with its sentence."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Return the error's page, or its JSON; None for errors that are not ours."""
        # Elsewhere it would be a fault of ours.
        if _is_admins(request) and _is_of_no_id(error):
            error = UserInputError(_CODES[HTTPStatus.BAD_REQUEST])
        known = error_pages.ours(error)
        return None if known is None else error_pages.answer(request, known)
