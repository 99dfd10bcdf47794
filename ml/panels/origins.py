"""Fields of a configuration that know where their numbers come from."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

Value = TypeVar("Value")

ORIGIN = "origin"  # the key of a field's metadata


class Source(StrEnum):
    """Where a number comes from."""

    MEASURED = "measured"
    LEARNED = "learned"
    RULE_OF_LAYOUT = "rule of layout"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a number comes from, and what it was measured on or is meant for."""

    source: Source
    note: str


def measured(value: Value, note: str) -> Value:
    """Return a field whose value was measured; the note says on what."""
    return _with_origin(value, Source.MEASURED, note)


def learned(value: Value, note: str) -> Value:
    """Return a field that the classifiers were learned with; the note says what it is."""
    return _with_origin(value, Source.LEARNED, note)


def rule_of_layout(value: Value, note: str) -> Value:
    """Return a field that was set by hand; the note says why."""
    return _with_origin(value, Source.RULE_OF_LAYOUT, note)


def _with_origin(value: Value, source: Source, note: str) -> Value:
    return field(default=value, metadata={ORIGIN: Origin(source, note)})
