"""How long requests take, and how they end."""

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from metrics.definitions import REQUEST_SECONDS, REQUESTS

GetResponse = Callable[[HttpRequest], HttpResponse]


class RequestMetricsMiddleware:
    """Time each request under its view's name: addresses are as many as there are pictures."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request; sending the answer is not timed."""
        started = time.perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        view = "none" if match is None else match.view_name
        REQUESTS.labels(view, response.status_code).inc()
        REQUEST_SECONDS.labels(view).observe(time.perf_counter() - started)
        return response
