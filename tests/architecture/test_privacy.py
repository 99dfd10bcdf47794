"""What people are shown is asked for through `catalog.visibility` and the selectors (ADR 26)."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PLATFORM = Path(__file__).resolve().parents[2] / "platform"
SHOWING = {"admin", "api", "forms", "presenters", "search", "templatetags", "views"}
PRIVATE = {"Image", "Import", "Album", "Tag"}


def showing() -> Iterator[Path]:
    for path in PLATFORM.rglob("*.py"):
        if SHOWING & {*path.relative_to(PLATFORM).parts, path.stem}:
            yield path


def unguarded(source: str) -> list[str]:
    """Queries of all rows, other than those that a service is given to change."""
    tree = ast.parse(source)
    changed = {
        inner
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and ast.unparse(call.func).startswith("services.")
        for argument in call.args
        for inner in ast.walk(argument)
    }
    return [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in {"objects", "_default_manager"}
        and ast.unparse(node.value) in PRIVATE
        and node not in changed
    ]


@pytest.mark.parametrize("path", list(showing()), ids=lambda path: str(path.relative_to(PLATFORM)))
def test_nothing_that_is_shown_asks_for_the_rows_of_everybody(path: Path) -> None:
    assert unguarded(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("rows = Image.objects.filter(pk=1)", ["Image.objects"]),
        ("rows = seen_by(Import._default_manager.all(), viewer)", ["Import._default_manager"]),
        ("services.request_deletion(Image.objects.filter(pk=1))", []),
        ("rows = list_albums(viewer)", []),
    ],
)
def test_the_rule_knows_which_queries_are_of_everybody(source: str, found: list[str]) -> None:
    assert unguarded(source) == found
