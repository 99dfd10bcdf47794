"""The words of docs/glossary.md: one meaning each, and those that they replaced are gone."""

import ast
import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE = ("platform", "workers", "ml", "deploy")
# Names that Django looks for.
GIVEN = {"Command", "Migration"}
REPLACED = re.compile(
    r"_?(MOST|LEAST|FEWEST)(_[A-Z0-9_]+)?|most_\w+|least_\w+|fewest_\w+|surest|take_apart|places?"
)
KEPT = {"most_common"}  # of the standard library


def trees() -> dict[str, ast.Module]:
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for folder in CODE
        for path in (ROOT / folder).rglob("*.py")
        if "migrations" not in path.parts
    }


def test_a_class_name_means_one_thing() -> None:
    names = Counter(
        node.name.lstrip("_")
        for tree in trees().values()
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    )

    assert {name for name, count in names.items() if count > 1} - GIVEN == set()


def test_replaced_words_are_no_names_any_more() -> None:
    found = {
        (file, name)
        for file, tree in trees().items()
        for node in ast.walk(tree)
        for name in (getattr(node, field, None) for field in ("id", "attr", "arg", "name"))
        if isinstance(name, str) and REPLACED.fullmatch(name) and name not in KEPT
    }

    assert found == set()
