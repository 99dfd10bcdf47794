"""What django-axes asks us: what is said to who failed to log in too often."""

from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from kernel.messages import sentence
from site_http.responses import Problem, answer


def too_many_failures(request: HttpRequest, *_: Any) -> HttpResponse:
    """Return what is said instead of the log-in page, to people and to programs."""
    code = "login:user:too-many-failures"
    wait_s = round(settings.AXES_COOLOFF_TIME.total_seconds())
    text = sentence(code, minutes=wait_s // 60)
    return answer(request, Problem(HTTPStatus.TOO_MANY_REQUESTS, code, text, wait_s))
