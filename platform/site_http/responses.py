"""How errors answer a request: status, sentence, and when to try again."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from kernel.errors import AppError, ConflictError, GoneError, TransientError, UserInputError
from kernel.messages import sentence

# The first that fits.
_STATUS = {GoneError: 410, UserInputError: 400, ConflictError: 409, TransientError: 503}


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
        retry_after_s=round(error.retry_after_s) if isinstance(error, TransientError) else None,
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


def answer(request: HttpRequest, problem: Problem, *, has_visitor: bool = True) -> HttpResponse:
    """Return the problem's page, or its JSON where that is wanted.

    Args:
        request: what is answered.
        problem: what is said.
        has_visitor: whether the page is made for who asks; without, it says nothing of them and
            asks no database.
    """
    if wants_json(request):
        return error_json(problem)
    visitor = request if has_visitor else None
    page = render_to_string("error.html", {"problem": problem}, request=visitor)
    return mark(HttpResponse(page), problem)


def wants_json(request: HttpRequest) -> bool:
    """Return whether the caller is a program that asks for JSON."""
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"
