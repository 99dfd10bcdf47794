"""How an endpoint answers: a shape of ours as JSON."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from django.http import HttpResponse, JsonResponse
from ninja import Schema


def etag_of(shape: Schema) -> str:
    """Return what a shape is known by: it changes with any of its members."""
    return f'"{sha256(shape.model_dump_json(by_alias=True).encode()).hexdigest()[:32]}"'


def respond(
    shape: Schema,
    *,
    status: int = 200,
    include: Any = None,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Return a shape as JSON.

    Args:
        shape: what is answered.
        status: HTTP's.
        include: members, as pydantic has them; None is all.
        headers: beside those of every answer.
    """
    body = shape.model_dump(mode="json", by_alias=True, include=include)
    return JsonResponse(body, status=status, headers=dict(headers or {}))
