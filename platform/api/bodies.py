"""What callers send: forms, pictures as they are, JSON."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pydantic
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.http import HttpRequest, QueryDict
from django.utils.datastructures import MultiValueDict
from ninja import Schema
from ninja.errors import ValidationError

from catalog.validation import check_size
from kernel.errors import UserInputError

JSON: Final = "application/json"
MULTIPART: Final = "multipart/form-data"
RAW: Final = ("image/", "application/octet-stream")
_MAX_JSON_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class SentBody:
    """A request's body: its fields, and its files under the name of their field."""

    fields: QueryDict
    files: "MultiValueDict[str, UploadedFile[Any]]"


def read_body(
    request: HttpRequest, *, file_field: str, json_shape: type[Schema] | None = None
) -> SentBody:
    """Return what was sent as a form, as JSON, or as the bytes of one picture.

    Args:
        request: what is answered.
        file_field: of a form; bytes as they are count as a file of that name.
        json_shape: what JSON may say; None is not looked at.

    Raises:
        ValidationError: the JSON says something else.
        UserInputError: "request:user:unsupported-media", "request:user:malformed",
            "image:user:too-large", "image:user:empty-file".
    """
    kind = (request.content_type or "").lower()
    if kind == MULTIPART:
        return SentBody(request.POST, request.FILES)
    if kind == JSON:
        fields = as_fields(read_json(request))
        if json_shape is not None:
            check_members(json_shape, fields)
        return SentBody(fields, MultiValueDict())
    if kind.startswith(RAW):
        return SentBody(QueryDict(), MultiValueDict({file_field: [_raw_file(request)]}))
    if not kind and not int(request.META.get("CONTENT_LENGTH") or 0):
        return SentBody(QueryDict(), MultiValueDict())
    raise UserInputError("request:user:unsupported-media")


def read_json(request: HttpRequest) -> Any:
    """Return a JSON body's value.

    Raises:
        UserInputError: "request:user:malformed", "request:user:too-large".
    """
    data = sent_bytes(request)
    if len(data) > _MAX_JSON_BYTES:
        raise UserInputError("request:user:too-large", max_megabytes=1)
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UserInputError("request:user:malformed") from error


def check_members(shape: type[Schema], fields: QueryDict) -> None:
    """Refuse fields that a shape has not, or that it has otherwise.

    Args:
        shape: what may be sent; of a member that may be several, none is a list.
        fields: what was sent.

    Raises:
        ValidationError: "request:user:invalid", with where each is.
    """
    known = shape.model_fields
    several = {name for name, field in known.items() if isinstance(field.default, list)}
    said = {name: fields.getlist(name) if name in several else fields.get(name) for name in fields}
    try:
        shape.model_validate(said)
    except pydantic.ValidationError as error:
        errors = [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        raise ValidationError(errors) from error


def binary_body(*fields: str, json: str = "") -> dict[str, Any]:
    """Return how the document describes pictures that are sent.

    Args:
        fields: of a form; each may have several.
        json: the shape that JSON may have instead; "" is none.
    """
    picture = {"type": "string", "format": "binary"}
    files = {"type": "array", "items": picture}
    form: dict[str, Any] = {"type": "object", "properties": dict.fromkeys(fields, files)}
    if not json:  # nothing else says which pictures
        form["required"] = list(fields)
    content: dict[str, Any] = {MULTIPART: {"schema": form}}
    content |= {kind: {"schema": picture} for kind in ("image/*", "application/octet-stream")}
    if json:
        content[JSON] = {"schema": {"$ref": f"#/components/schemas/{json}"}}
    return {"requestBody": {"required": True, "content": content}}


def sent_bytes(request: HttpRequest) -> bytes:
    """Return a body that is no form; it may be asked for again.

    Raises:
        UserInputError: "image:user:too-large".
    """
    known: bytes | None = getattr(request, "sent_bytes", None)
    if known is None:
        if (request.content_type or "").startswith(RAW):
            # Not `body`, which Django limits to what forms have in memory.
            known = request.read(settings.UPLOAD_MAX_BYTES + 1)
            if len(known) > settings.UPLOAD_MAX_BYTES:
                check_size(len(known))
        else:
            known = request.body
        request.sent_bytes = known  # type: ignore[attr-defined]
    return known


def _raw_file(request: HttpRequest) -> "UploadedFile[Any]":
    data = sent_bytes(request)
    check_size(len(data))
    return SimpleUploadedFile(request.GET.get("name", "") or "picture", data)


def as_fields(value: object) -> QueryDict:
    """Return a JSON object's members as a form has them."""
    if not isinstance(value, Mapping):
        raise UserInputError("request:user:malformed")
    fields = QueryDict(mutable=True)
    for name, said in value.items():
        several = said if isinstance(said, list) else [said]
        if not all(isinstance(each, str | int | float) for each in several):
            raise UserInputError("request:user:malformed")
        fields.setlist(name, [_as_text(each) for each in several])
    return fields


def _as_text(value: str | float) -> str:
    if isinstance(value, bool):
        return "1" if value else ""
    text = str(value)
    if "\0" in text or text != text.encode(errors="ignore").decode():
        raise UserInputError("request:user:malformed")
    return text
