"""The API's document, OpenAPI 3.1: what django-ninja knows, and what all endpoints share."""

import re
from collections.abc import Iterator
from functools import cache
from http import HTTPStatus
from typing import Any, Final

from django.urls import reverse
from ninja.operation import Operation
from pydantic.json_schema import models_json_schema

from api.schemas.base import ProblemJson
from api.schemas.searches import PicturesAsked
from api.security import Needs, Scope
from api.site import api
from site_http.responses import PROBLEM_TYPE

Json = dict[str, Any]

_TOKEN: Final = "token"  # noqa: S105  # what the document calls it
_DESCRIPTION: Final = """\
Search a catalogue for semantic copies of pictures, and keep it.

**Tokens.** Send `Authorization: Bearer smb_…`; accounts make tokens in the admin. A token may do
what its scopes say, and never more than its owner at that moment. Without one you are a visitor:
you may search and read what everybody may, unless the site asks people to log in. Cookies count for
nothing.

**Failures** are `application/problem+json` (RFC 9457). Act on `code`.

**Lists** give `next_cursor`: send it as `cursor` for the next page. What is added meanwhile shifts
nothing. **Validators**: every answer to GET has an ETag; send it as `If-None-Match` to be told that
nothing has changed (304), or as `If-Match` to write only what you have read (412).
"""
# How Django's addresses say of what kind a part is.
_CONVERTER: Final = re.compile(r"{[^}:]+:")
# What any endpoint may answer.
_ALWAYS: Final = (400, 401, 403, 404, 405, 412, 413, 422, 429, 500, 503)
_WITH_BODY: Final = (415,)
_OF_WRITES: Final = (409,)
_OF_SEARCHES: Final = (410,)
_HEEDING_IF_MATCH: Final = frozenset({"change_image", "delete_image"})
_HEADERS_OF_WAITING: Final = {
    "Retry-After": {"schema": {"type": "integer"}, "description": "seconds"}
}
# Shapes that no parameter or answer names by itself.
_MORE_SHAPES: Final = (ProblemJson, PicturesAsked)


@cache
def document() -> Json:
    """Return the document; it is the same for everybody, and is not to be changed."""
    made: Json = dict(api.get_openapi_schema(path_prefix=reverse("api:root").strip("/") + "/"))
    made["info"] = {"title": "Semblance", "version": "1", "description": _DESCRIPTION}
    made["servers"] = [{"url": "/"}]
    _, shapes = models_json_schema(
        [(shape, "validation") for shape in _MORE_SHAPES],
        ref_template="#/components/schemas/{model}",
    )
    made["components"] = {
        "schemas": made["components"]["schemas"] | shapes["$defs"],
        "securitySchemes": {_TOKEN: {"type": "http", "scheme": "bearer"}},
    }
    for path, method, operation in operations():
        _complete(made["paths"][path][method], operation, method)
    return made


def operations() -> Iterator[tuple[str, str, Operation]]:
    """Yield every endpoint: its path in the document, its method in small letters, itself."""
    root = reverse("api:root")
    for router in api._get_bound_routers():
        for path, view in router.path_operations.items():
            shown = root.rstrip("/") + _CONVERTER.sub("{", path)
            for operation in view.operations:
                for method in operation.methods:
                    yield shown, method.lower(), operation


def needs_of(operation: Operation) -> Needs:
    """Return what an endpoint asks of its callers; each asks something."""
    (needs,) = operation.auth_callbacks
    if not isinstance(needs, Needs):
        raise TypeError(needs)
    return needs


def _complete(said: Json, operation: Operation, method: str) -> None:
    needs = needs_of(operation)
    said["security"] = [{_TOKEN: []}, *([{}] if needs.admits_visitors else [])]
    said["operationId"] = operation.view_func.__name__
    said["summary"], _, more = (operation.description or "").partition("\n")
    said["description"] = "\n\n".join(filter(None, (more.strip(), _rights(needs))))
    said["parameters"] += _headers(operation, method)
    statuses = [*_ALWAYS, *(_OF_WRITES if needs.scope.endswith(":write") else ())]
    if needs.scope is Scope.SEARCH:
        statuses += _OF_SEARCHES
    if "requestBody" in said:
        statuses += _WITH_BODY
    answers: Json = {str(status): answer for status, answer in said["responses"].items()}
    if method == "get":
        answers["304"] = {"description": "nothing has changed since you read it"}
    for status in statuses:
        answers.setdefault(str(status), _problem(status))
    said["responses"] = dict(sorted(answers.items()))


def _headers(operation: Operation, method: str) -> Iterator[Json]:
    """Yield the headers that an endpoint heeds."""
    if method == "get":
        yield _header("If-None-Match", "an ETag: 304 where it is the answer's")
    if operation.view_func.__name__ in _HEEDING_IF_MATCH:
        yield _header("If-Match", "an ETag: 412 where the image has another by now")
    if getattr(operation.view_func, "is_idempotent", False):
        key = _header("Idempotency-Key", "what comes again under it within a day is done once")
        yield key | {"schema": {"type": "string", "pattern": "^[!-~]{1,200}$"}}


def _header(name: str, description: str) -> Json:
    schema = {"type": "string"}
    return {
        **{"in": "header", "name": name, "required": False},
        **{"schema": schema, "description": description},
    }


def _rights(needs: Needs) -> str:
    said = f"A token needs the scope `{needs.scope.value}`"
    if needs.permission:
        said += f", and its owner the permission `{needs.permission}`"
    if needs.is_of_admin:
        said += " and to be of the staff"
    return said + ("; visitors may, too." if needs.admits_visitors else ".")


def _problem(status: int) -> Json:
    content = {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemJson"}}}
    problem: Json = {"description": HTTPStatus(status).phrase, "content": content}
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        problem["headers"] = _HEADERS_OF_WAITING
    return problem
