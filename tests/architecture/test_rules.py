"""Rules that the web and the models share stand once, in `ml.rules`, which needs little itself."""

import ast
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ml.rules.file_types import FORMATS, PICTURE_ENDINGS, UNSUPPORTED_ENDINGS
from ml.rules.limits import MAX_PIXELS, PILLOW_MAX_PIXELS

ROOT = Path(__file__).resolve().parents[2]
CODE = ("platform", "workers", "ml", "deploy")
RULES = ROOT / "ml" / "rules"
LIBRARIES = {"numpy", "PIL", "pillow_heif"}
KINDS = {"whole", "panel", "object"}


def parsed() -> Iterator[tuple[str, ast.AST]]:
    """Yield every node of the product's code with the file that it is in; migrations are history.

    They repeat what models said when they were written.
    """
    for folder in CODE:
        for path in (ROOT / folder).rglob("*.py"):
            if "migrations" not in path.parts:
                name = path.relative_to(ROOT).as_posix()
                for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                    yield name, node


NODES = list(parsed())


def constants_in(node: ast.AST) -> set[object]:
    return {each.value for each in ast.walk(node) if isinstance(each, ast.Constant)}


def is_number(*numbers: int) -> Callable[[ast.AST], bool]:
    return lambda node: (
        isinstance(node, ast.Constant) and type(node.value) is int and node.value in numbers
    )


def is_named(*names: str) -> Callable[[ast.AST], bool]:
    """Whether a node defines, imports or uses something of one of these names."""

    return lambda node: any(getattr(node, field, None) in names for field in ("attr", "name", "id"))


def defines(name: str) -> Callable[[ast.AST], bool]:
    def check(node: ast.AST) -> bool:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            return node.name == name
        return isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store)

    return check


def lists(words: set[str], *, at_least: int) -> Callable[[ast.AST], bool]:
    """Whether a node is a list, tuple, set, dictionary or `Literal` with so many of the words."""
    kinds = ast.List | ast.Tuple | ast.Set | ast.Dict | ast.Subscript
    return lambda node: isinstance(node, kinds) and len(constants_in(node) & words) >= at_least


def names_kinds_in_a_class(node: ast.AST) -> bool:
    """Whether a class's own attributes are made of the kinds of regions, as enumerations are."""
    if not isinstance(node, ast.ClassDef):
        return False
    values = [each.value for each in node.body if isinstance(each, ast.Assign)]
    return set().union(*map(constants_in, values)) >= KINDS


def opens_chosen_formats(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and any(each.arg == "formats" for each in node.keywords)


@pytest.mark.parametrize(
    ("stands", "home"),
    [
        pytest.param(is_number(MAX_PIXELS, PILLOW_MAX_PIXELS), "limits", id="limits of pixels"),
        pytest.param(defines("OBJECT_PENALTY"), "pair_score", id="penalty of objects"),
        pytest.param(defines("pair_score"), "pair_score", id="score of a pair"),
        pytest.param(defines("Platt"), "calibration_curve", id="curve of a calibration"),
        pytest.param(is_named("getexif", "TRANSVERSE"), "orientation", id="orientations"),
        pytest.param(lists(KINDS, at_least=3), "regions", id="kinds of regions"),
        pytest.param(lists(set(FORMATS), at_least=3), "file_types", id="formats"),
        pytest.param(
            lists(set(PICTURE_ENDINGS | UNSUPPORTED_ENDINGS), at_least=2),
            "file_types",
            id="endings of names",
        ),
        pytest.param(
            is_named("register_heif_opener", "HeifImageFile"), "opening", id="opener of HEIC"
        ),
        pytest.param(opens_chosen_formats, "opening", id="opening of files"),
        pytest.param(is_named("ImageCms"), "colours", id="colour profiles"),
        pytest.param(defines("tones_between"), "tones", id="black and white of deep samples"),
    ],
)
def test_a_shared_rule_stands_once(stands: Callable[[ast.AST], bool], home: str) -> None:
    assert {name for name, node in NODES if stands(node)} == {f"ml/rules/{home}.py"}


def test_no_class_lists_the_kinds_of_regions_again() -> None:
    assert [name for name, node in NODES if names_kinds_in_a_class(node)] == []


def test_nothing_is_set_for_all_threads_to_show_damaged_files() -> None:
    assert {name for name, node in NODES if is_named("LOAD_TRUNCATED_IMAGES")(node)} == set()


def test_pillows_own_turning_is_not_used() -> None:
    """It fails on tags that cameras leave, and would be a second rule of what is upright."""
    assert {name for name, node in NODES if is_named("exif_transpose")(node)} == set()


@pytest.mark.parametrize("path", sorted(RULES.glob("*.py")), ids=lambda path: path.stem)
def test_shared_rules_need_numpy_and_pillow_only(path: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            imported.add(node.module or "")

    others = {
        name
        for name in imported
        if name.split(".")[0] not in LIBRARIES | sys.stdlib_module_names
        and not name.startswith("ml.rules.")
    }
    assert others == set()
