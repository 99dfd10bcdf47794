"""From JSON to typed values, and back. Members that are not known are passed over."""

import dataclasses
import json
import types
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from semblance_client.errors import UnexpectedAnswer

T = TypeVar("T")


def decode(kind: type[T], value: Any) -> T:
    """Return a JSON value as what a type says.

    Args:
        kind: a dataclass, or anything that such has: lists, tuples, mappings, UUIDs, moments.
        value: as `json` reads it.

    Raises:
        UnexpectedAnswer: it is something else.
    """
    try:
        decoded: T = _decode(kind, value)
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise UnexpectedAnswer(f"the answer is no {kind.__name__}: {error}") from error
    return decoded


def encode(value: Any) -> str:
    """Return a value as JSON, for people and programs."""
    return json.dumps(value, default=_plain, ensure_ascii=False, indent=2)


def encode_line(value: Any) -> str:
    """Return a value as JSON on one line."""
    return json.dumps(value, default=_plain, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: getattr(value, field.name)
            for field in dataclasses.fields(value)
            if not field.metadata.get("is_ours")
        }
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(type(value).__name__)


def _decode(kind: Any, value: Any) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any or origin is Literal:
        return value
    if origin in {Union, types.UnionType}:
        return _decode_optional(arguments, value)
    if origin is list:
        return [_decode(arguments[0], each) for each in _expect(list, value)]
    if origin is tuple:
        return tuple(
            _decode(each, part) for each, part in zip(arguments, _expect(list, value), strict=True)
        )
    if origin is dict:
        return {name: _decode(arguments[1], each) for name, each in _expect(dict, value).items()}
    return _decode_simple(kind, value)


def _decode_simple(kind: Any, value: Any) -> Any:
    if dataclasses.is_dataclass(kind):
        return _decode_members(kind, _expect(dict, value))
    if hasattr(kind, "_fields"):  # a named tuple, such as a box
        return kind(*_expect(list, value))
    if kind is datetime:
        return datetime.fromisoformat(_expect(str, value))
    if kind is UUID:
        return UUID(_expect(str, value))
    if kind is float:
        return float(_expect((int, float), value))
    return _expect(kind, value)


def _decode_optional(kinds: tuple[Any, ...], value: Any) -> Any:
    if value is None and type(None) in kinds:
        return None
    (kind,) = (each for each in kinds if each is not type(None))
    return _decode(kind, value)


def _decode_members(kind: Any, value: Mapping[str, Any]) -> Any:
    hints = _hints(kind)
    return kind(**{name: _decode(hints[name], value[name]) for name in hints if name in value})


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _expect(kind: Any, value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"{type(value).__name__} instead of {kind}")
    return value
