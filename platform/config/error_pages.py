"""How a failed request is answered: a page or JSON, and without SQL where SQL is what failed."""

import logging
import sys
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views import csrf, defaults

from kernel.database import translate
from kernel.errors import AppError, DefectError
from kernel.messages import sentence
from site_http import responses
from site_http.responses import Problem, present_error, problem_json, wants_json

logger = logging.getLogger(__name__)


def ours(error: BaseException | None) -> AppError | None:
    """Return an error of ours, or the one that a failure of SQL is; None for a bug."""
    if error is None or isinstance(error, AppError):
        return error
    return translate(error)


def answer(request: HttpRequest, error: AppError) -> HttpResponse:
    """Return an error's page, or its JSON for a program."""
    extra = {"code": error.code, "context": error.context}
    if isinstance(error, DefectError):
        logger.error("request failed", extra=extra, exc_info=error)
    else:
        logger.warning("request refused", extra=extra)
    # Who is logged in stands in SQL: a page that says that SQL is away must not ask.
    has_visitor = not error.code.startswith("database:")
    return responses.answer(request, present_error(error), has_visitor=has_visitor)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer what no view let through: SQL that fails in sessions, or under an error's own page."""
    error = ours(sys.exc_info()[1])
    return defaults.server_error(request) if error is None else answer(request, error)


def no_csrf_token(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form without its token; a program is told where it can do without one."""
    if not wants_json(request):
        return csrf.csrf_failure(request, reason)
    code, address = "request:user:no-csrf-token", reverse("api:search")
    problem = Problem(HTTPStatus.FORBIDDEN, code, sentence(code, address=address))
    return problem_json(problem, {"see": address})
