"""What every answer of the API has in common: problems, validators, what caches may do."""

from collections.abc import Callable
from hashlib import sha256
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, patch_vary_headers

from site_http.responses import is_api

GetResponse = Callable[[HttpRequest], HttpResponse]


class ApiMiddleware:
    """Complete the answers below /api/; it stands outside of what makes problems of pages."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer; HEAD is answered as GET is, without the body, as HTTP has it."""
        if not is_api(request):
            return self.get_response(request)
        is_head = request.method == "HEAD"
        if is_head:
            request.method = "GET"
        response = self.get_response(request)
        patch_vary_headers(response, ["Authorization", "Accept-Language"])
        if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            response["Allow"] = _with_head(response.get("Allow", ""))
        response.setdefault("X-Content-Type-Options", "nosniff")
        # A client may keep it and asks again each time; nobody else keeps it (ADR 24).
        response.setdefault("Cache-Control", "private, no-cache")
        if request.method == "GET" and response.status_code == HTTPStatus.OK:
            response = _conditional(request, response)
        if is_head:
            _take_body_away(response)
        return response


def _with_head(allowed: str) -> str:
    methods = {each.strip() for each in allowed.split(",") if each.strip()}
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


def _conditional(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Return the answer with its ETag, or that nothing has changed since the client read it."""
    is_kept = "no-store" not in response["Cache-Control"]
    is_json = response["Content-Type"].startswith("application/json")
    if response.streaming or not is_kept or not (is_json or response.has_header("ETag")):
        return response
    if not response.has_header("ETag"):
        response["ETag"] = f'"{sha256(response.content).hexdigest()[:32]}"'
    answered = get_conditional_response(request, etag=response["ETag"], response=response)
    return response if answered is None else answered


def _take_body_away(response: HttpResponse) -> None:
    if not response.streaming:
        length = len(response.content)
        response.content = b""
        response["Content-Length"] = str(length)
