"""How errors answer a request: status, sentence, and when to try again."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from kernel.errors import (
    AppError,
    ConflictError,
    GoneError,
    LimitReached,
    TransientError,
    UserInputError,
)
from kernel.messages import sentence

# The first that fits counts.
_STATUS = {
    GoneError: 410,
    UserInputError: 400,
    ConflictError: 409,
    LimitReached: 429,
    TransientError: 503,
}
_API: Final = "/api/"
PROBLEM_TYPE: Final = "application/problem+json"
# What a problem's `type` leads to, as RFC 9457 has it: where its code is explained.
_EXPLAINED: Final = "/api/v1/docs#"


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as a person meets it."""

    status: int
    code: str
    sentence: str
    retry_after_s: int | None = None

    @property
    def is_ours(self) -> bool:
        """Whether the person can do nothing about it."""
        return self.status == 500  # noqa: PLR2004  # HTTP's own name for it


def present_error(error: AppError) -> Problem:
    """Return what is said of an error, in the active language.

    Texts in an error that is not the person's stay in the logs: they name folders and settings of
    the server.
    """
    is_theirs = isinstance(error, UserInputError | ConflictError)
    said = {
        name: "…" if isinstance(value, str) and not is_theirs else value
        for name, value in error.context.items()
    }
    return Problem(
        status=next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 500),
        code=error.code,
        sentence=sentence(error.code, **said),
        retry_after_s=math.ceil(error.retry_after_s) if isinstance(error, TransientError) else None,
    )


def mark(response: HttpResponse, problem: Problem) -> HttpResponse:
    """Give `response` the problem's status and, where waiting helps, Retry-After."""
    response.status_code = problem.status
    if problem.retry_after_s is not None:
        response["Retry-After"] = str(problem.retry_after_s)
    return response


def error_json(problem: Problem) -> HttpResponse:
    """Return the answer for a program."""
    body = {"error": {"code": problem.code, "sentence": problem.sentence}}
    return mark(JsonResponse(body), problem)


def problem_json(problem: Problem, more: Mapping[str, Any] | None = None) -> HttpResponse:
    """Return the answer for a program that asks the API: a problem as RFC 9457 has it.

    Args:
        problem: what is said.
        more: further members.
    """
    body = {
        "type": f"{_EXPLAINED}{problem.code}",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "code": problem.code,
        "detail": problem.sentence,
        **(more or {}),
    }
    return mark(JsonResponse(body, content_type=PROBLEM_TYPE), problem)


def is_api(request: HttpRequest) -> bool:
    """Return whether an address is one of the API's, where every error is a problem."""
    return request.path_info.startswith(_API)


def answer(request: HttpRequest, problem: Problem, *, has_visitor: bool = True) -> HttpResponse:
    """Return the problem's page, or its JSON where that is wanted.

    Args:
        request: what is answered.
        problem: what is said.
        has_visitor: whether the page is made for who asks; without, it says nothing of them and
            asks no database.
    """
    if is_api(request):
        return problem_json(problem)
    if wants_json(request):
        return error_json(problem)
    visitor = request if has_visitor else None
    page = render_to_string("error.html", {"problem": problem}, request=visitor)
    return mark(HttpResponse(page), problem)


def wants_json(request: HttpRequest) -> bool:
    """Return whether the caller is a program that asks for JSON; the answer varies by it."""
    request.is_negotiated = True  # type: ignore[attr-defined]  # for `site_http.vary`
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"
