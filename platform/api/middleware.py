"""What every answer of the API has in common: problems, validators, what caches may do."""

import math
from collections.abc import Callable
from hashlib import sha256
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, patch_vary_headers

from audit_log import services as audit_log
from site_http.limits import allowances
from site_http.responses import is_api

GetResponse = Callable[[HttpRequest], HttpResponse]


class ApiMiddleware:
    """Complete the answers below /api/; it stands outside of what makes problems of pages."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer; HEAD as GET: django-ninja knows of GET alone."""
        if not is_api(request):
            return self.get_response(request)
        is_head = request.method == "HEAD"
        if is_head:
            request.method = "GET"
        with audit_log.one_request():
            response = self.get_response(request)
        patch_vary_headers(response, ["Authorization", "Accept-Language"])
        if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            response["Allow"] = _with_head(response.get("Allow", ""))
        _tell_allowances(request, response)
        response.setdefault("X-Content-Type-Options", "nosniff")
        # A client may keep it and asks again each time; nobody else keeps it (ADR 24).
        response.setdefault("Cache-Control", "private, no-cache")
        if request.method == "GET" and response.status_code == HTTPStatus.OK:
            response = _conditional(request, response)
        if is_head:
            request.method = "HEAD"  # for who leaves the body away (`config.middleware`)
        return response


def _tell_allowances(request: HttpRequest, response: HttpResponse) -> None:
    """Say what the caller has left (draft-ietf-httpapi-ratelimit-headers)."""
    told = allowances(request)
    if told:
        response["RateLimit-Policy"] = ", ".join(
            f'"{each.what}";q={each.limit};w={each.window_s}' for each in told
        )
        response["RateLimit"] = ", ".join(
            f'"{each.what}";r={each.share.left};t={math.ceil(each.share.wait_s)}' for each in told
        )


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
