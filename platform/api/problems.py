"""Every failure of the API as a problem (RFC 9457): a status, a stable code, a sentence."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from ninja.errors import HttpError, ValidationError

from kernel.database import translate
from kernel.errors import AppError, DefectError, UserInputError
from kernel.messages import sentence
from site_http.responses import Problem, present_error, problem_json

logger = logging.getLogger(__name__)

# What a person can mend is 422, but where HTTP has a better word for it.
_STATUS: Mapping[str, int] = {
    "image:user:too-large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "image:user:unsupported-format": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "request:user:malformed": HTTPStatus.BAD_REQUEST,
    "request:user:unsupported-media": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "request:user:too-large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "request:user:changed-meanwhile": HTTPStatus.PRECONDITION_FAILED,
    "request:user:not-found": HTTPStatus.NOT_FOUND,
    "import:user:missing": HTTPStatus.NOT_FOUND,
    "token:user:no-scope": HTTPStatus.FORBIDDEN,
    "token:user:no-permission": HTTPStatus.FORBIDDEN,
    **dict.fromkeys(
        (f"token:user:{why}" for why in ("missing", "unknown", "expired", "revoked", "inactive")),
        HTTPStatus.UNAUTHORIZED,
    ),
}
# A list's name and an index in it.
_ITEM_PARTS = 2
# What Django and django-ninja raise, and what it is called here.
_FOREIGN: Sequence[tuple[type[Exception], str]] = (
    (Http404, "request:user:not-found"),
    (PermissionDenied, "token:user:no-permission"),
    (RequestDataTooBig, "request:user:too-large"),
    (BadRequest, "request:user:malformed"),
    (SuspiciousOperation, "request:user:malformed"),
    (MultiPartParserError, "request:user:malformed"),
    (UnreadablePostError, "request:user:malformed"),
    (HttpError, "request:user:malformed"),
)


def answer_failure(request: HttpRequest, error: Any) -> HttpResponse:
    """Return the problem that an endpoint's failure is."""
    if isinstance(error, ValidationError):
        return _invalid(error)
    return problem_response(_translated(error), cause=error)


def problem_response(error: AppError, *, cause: Exception | None = None) -> HttpResponse:
    """Return the problem that an error of ours is, and log it."""
    extra = {"code": error.code, "context": error.context}
    if isinstance(error, DefectError):
        logger.error("request failed", extra=extra, exc_info=cause or error)
    else:
        logger.warning("request refused", extra=extra)
    response = problem_json(present(error))
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        is_missing = error.code == "token:user:missing"
        response["WWW-Authenticate"] = "Bearer" + ("" if is_missing else ' error="invalid_token"')
    return response


def present(error: AppError) -> Problem:
    """Return what is said of an error, with the status that programs get."""
    problem = present_error(error)
    if problem.status != HTTPStatus.BAD_REQUEST:
        return problem
    status = _STATUS.get(error.code, HTTPStatus.UNPROCESSABLE_ENTITY)
    return replace(problem, status=int(status))


def _translated(error: Exception) -> AppError:
    if isinstance(error, AppError):
        return error
    for kind, code in _FOREIGN:
        if isinstance(error, kind):
            return UserInputError(code)
    return translate(error) or DefectError("request:ours:failed")


def _said_at(loc: Sequence[str | int]) -> Sequence[str | int]:
    """Return where something is wrong, as callers name it.

    Of an item of a list in an address django-ninja names our own parameter, too.
    """
    source, *rest = loc
    is_item = source == "query" and len(rest) > _ITEM_PARTS and isinstance(rest[-1], int)
    return [source, *rest[1:]] if is_item else loc


def _invalid(error: ValidationError) -> HttpResponse:
    code = "request:user:invalid"
    problem = Problem(HTTPStatus.UNPROCESSABLE_ENTITY, code, sentence(code))
    errors = [
        {
            "at": [part if isinstance(part, int) else str(part) for part in _said_at(each["loc"])],
            "detail": each["msg"],
        }
        for each in error.errors
    ]
    return problem_json(problem, {"errors": errors})
