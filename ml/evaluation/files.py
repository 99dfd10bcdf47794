"""The files that every evaluation leaves in its folder."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FAILURES, MARKDOWN, JSON = "failures.png", "report.md", "report.json"


def write_texts(folder: Path, *, markdown: str, values: Mapping[str, Any]) -> None:
    """Write the report for people and the one for programs into a folder that exists.

    Args:
        folder: where they are written.
        markdown: the whole report.
        values: JSON values, no NaN among them.
    """
    (folder / MARKDOWN).write_text(markdown, encoding="utf-8")
    text = json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / JSON).write_text(text + "\n", encoding="utf-8")
