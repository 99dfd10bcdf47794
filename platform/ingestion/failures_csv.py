"""What an import refused, as a table for other programs."""

import csv
from collections.abc import Iterator
from typing import Any

from ingestion.models import Import
from kernel.messages import sentence

COLUMNS = ("file", "error_code", "reason")
# Spreadsheets take a cell that begins so for a formula, and run it.
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


class _Lines:
    """A file that gives back what is written to it."""

    def write(self, line: str) -> str:
        return line


def failures_csv(current: Import) -> Iterator[str]:
    """Yield the lines of a CSV, one a refused file, in the order that they were refused.

    A cell that a spreadsheet would run begins with an apostrophe.
    """
    writer: Any = csv.writer(_Lines())
    yield "\N{BYTE ORDER MARK}" + writer.writerow(COLUMNS)  # else Excel reads it as ANSI
    failures = current.failures.order_by("pk").values_list("name", "error_code", "context")
    for name, code, context in failures.iterator():
        yield writer.writerow(map(_safe, (name, code, sentence(code, **(context or {})))))


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULAS) else text
