import ast
import dataclasses
from pathlib import Path

import pytest

import ml.panels
from ml.panels.config import CONFIG, PanelsConfig
from ml.panels.origins import ORIGIN, Origin, Source

FOLDER = Path(ml.panels.__file__).parent
# Their numbers are the ranges and chances of random drawings.
GENERATORS = FOLDER / "made"
MODULES = sorted(path for path in FOLDER.rglob("*.py") if GENERATORS not in path.parents)

FIELDS = [
    pytest.param(field, id=f"{section.name}.{field.name}")
    for section in dataclasses.fields(PanelsConfig)
    for field in dataclasses.fields(getattr(CONFIG, section.name))
]


@pytest.mark.parametrize("field", FIELDS)
def test_each_number_says_where_it_comes_from(field):
    origin = field.metadata[ORIGIN]

    assert isinstance(origin, Origin)
    assert isinstance(origin.source, Source)
    assert origin.note.strip()


def test_each_number_is_used():
    code = [ast.parse(path.read_text(encoding="utf-8")) for path in MODULES]
    used = {
        node.attr for tree in code for node in ast.walk(tree) if isinstance(node, ast.Attribute)
    }

    assert {param.values[0].name for param in FIELDS} - used == set()


def test_the_configuration_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        CONFIG.search = None
    with pytest.raises(dataclasses.FrozenInstanceError):
        CONFIG.search.max_depth = 3


def numbers_of_the_module(code):
    """Return the lines of module-level assignments with a number in them."""
    return [
        statement.lineno
        for statement in ast.parse(code).body
        if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign)
        and any(
            isinstance(node, ast.Constant) and type(node.value) in (int, float, complex)
            for node in ast.walk(statement)
        )
    ]


def test_a_number_of_a_module_is_seen():
    code = "A = 1\nB: float = -0.5\nC = ('a', (2, 3))\nD = 'x'\nE = True\ndef f():\n    a = 1\n"

    assert numbers_of_the_module(code) == [1, 2, 3]


@pytest.mark.parametrize("path", MODULES, ids=[str(each.relative_to(FOLDER)) for each in MODULES])
def test_no_module_keeps_a_number_of_its_own(path):
    assert numbers_of_the_module(path.read_text(encoding="utf-8")) == []
