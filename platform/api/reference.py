"""The document as people read it: a page without a script."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.html import escape
from django.utils.safestring import mark_safe

from kernel.messages import known_codes, sentence

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Member:
    """A parameter, or a member of a shape; `links` are shapes that its type names."""

    name: str
    type: str
    links: tuple[str, ...]
    is_required: bool
    description: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A method at a path."""

    id: str
    method: str
    path: str
    summary: str
    paragraphs: tuple[str, ...]
    parameters: tuple[Member, ...]
    bodies: tuple[Member, ...]
    answers: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """A JSON object, or a word of a few."""

    name: str
    description: str
    members: tuple[Member, ...]
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """All that the page says."""

    introduction: tuple[str, ...]
    sections: tuple[tuple[str, tuple[Endpoint, ...]], ...]
    shapes: tuple[Shape, ...]
    codes: tuple[tuple[str, str], ...]


def present_reference(document: Json) -> Reference:
    """Return what the page shows of a document."""
    sections: dict[str, list[Endpoint]] = {}
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            sections.setdefault(said["tags"][0], []).append(_endpoint(path, method, said))
    shapes = document["components"]["schemas"]
    return Reference(
        introduction=_paragraphs(document["info"]["description"]),
        sections=tuple((tag, tuple(endpoints)) for tag, endpoints in sections.items()),
        shapes=tuple(_shape(name, shapes[name]) for name in sorted(shapes)),
        codes=tuple((code, sentence(code)) for code in sorted(known_codes())),
    )


def _endpoint(path: str, method: str, said: Json) -> Endpoint:
    content = said.get("requestBody", {}).get("content", {})
    return Endpoint(
        id=said["operationId"],
        method=method.upper(),
        path=path,
        summary=_marked(said["summary"]),
        paragraphs=_paragraphs(said["description"]),
        parameters=tuple(_parameter(each) for each in said["parameters"]),
        bodies=tuple(
            _member(kind, each["schema"], required=True) for kind, each in content.items()
        ),
        answers=tuple(_answer(status, each) for status, each in said["responses"].items()),
    )


def _paragraphs(text: str) -> tuple[str, ...]:
    return tuple(_marked(each) for each in text.strip().split("\n\n"))


def _marked(text: str) -> str:
    """Return a text of ours with its `code` and **strong** words as HTML has them."""
    escaped: str = escape(text)
    escaped = re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped)
    return mark_safe(re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", escaped))  # noqa: S308  # escaped


def _parameter(said: Json) -> Member:
    return _member(said["name"], said["schema"], required=said["required"], where=said["in"])


def _answer(status: str, said: Json) -> Member:
    schemas = [each["schema"] for each in said.get("content", {}).values()]
    member = _member(status, schemas[0] if schemas else {}, required=True)
    return Member(status, member.type, member.links, True, said["description"])  # noqa: FBT003


def _shape(name: str, said: Json) -> Shape:
    required = set(said.get("required", ()))
    return Shape(
        name=name,
        description=said.get("description", ""),
        members=tuple(
            _member(each, schema, required=each in required)
            for each, schema in said.get("properties", {}).items()
        ),
        words=tuple(map(str, said.get("enum", ()))),
    )


def _member(name: str, schema: Json, *, required: bool, where: str = "") -> Member:
    description = _marked(str(schema.get("description", "")))
    return Member(name, _type(schema), tuple(_links(schema)), required, description, where)


def _type(schema: Json) -> str:
    """Return what a value is, in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " | ".join(_type(each) for each in schema[several])
    if "enum" in schema or "const" in schema:
        return " | ".join(json.dumps(each) for each in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"[{_type(schema.get('items', {}))}, …]"
    if schema.get("type") == "object" and "properties" in schema:
        inner = (f"{name}: {_type(each)}" for name, each in schema["properties"].items())
        return "{" + ", ".join(inner) + "}"
    return " ".join(filter(None, (str(schema.get("type", "")), schema.get("format", ""))))


def _links(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield str(schema["$ref"].rpartition("/")[2])
        for each in schema.values():
            yield from _links(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from _links(each)
