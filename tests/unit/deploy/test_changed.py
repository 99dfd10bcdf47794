"""Which tests a change is checked with, in a small repository with a real git."""

import subprocess
from pathlib import Path

import pytest

from deploy.check.changed import changed_files, find_tests

FILES = (
    "platform/catalog/services.py",
    "platform/search/pairs.py",
    "ml/copies/pdq.py",
    "tests/unit/catalog/test_services.py",
    "tests/unit/catalog/test_audit.py",
    "tests/unit/ml/test_decode.py",
    "tests/unit/ml/copies/test_pdq.py",
    "tests/contract/encoder/test_hub.py",
    "tests/integration/test_broker.py",
)


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository whose one commit is origin/main, too."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / ".gitignore").write_text("var\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    git(tmp_path, "update-ref", "refs/remotes/origin/main", "HEAD")
    return tmp_path


def test_changed_is_what_was_committed_edited_made_and_deleted_since(root: Path) -> None:
    assert changed_files(root) == []
    (root / "ml/copies/pdq.py").write_text("committed")
    git(root, "commit", "--quiet", "--all", "--message", "second")
    (root / "platform/search/pairs.py").write_text("edited")
    (root / "ml/новый файл.py").write_text("made")
    (root / "platform/catalog/services.py").unlink()
    (root / "var").write_text("ignored")

    assert changed_files(root) == [
        "ml/copies/pdq.py",
        "ml/новый файл.py",
        "platform/catalog/services.py",
        "platform/search/pairs.py",
    ]


def test_changed_is_since_the_last_commit_where_nothing_was_fetched(root: Path) -> None:
    git(root, "update-ref", "-d", "refs/remotes/origin/main")
    (root / "ml/copies/pdq.py").write_text("committed")
    git(root, "commit", "--quiet", "--all", "--message", "second")
    (root / "platform/search/pairs.py").write_text("edited")

    assert changed_files(root) == ["platform/search/pairs.py"]


@pytest.mark.parametrize(
    ("file", "chosen"),
    [
        pytest.param(
            "platform/catalog/services.py",
            {"tests/unit/catalog/test_services.py"},
            id="a source with tests of its name",
        ),
        pytest.param(
            "platform/catalog/templates/catalog/image.html",
            {
                "tests/unit/catalog/test_services.py",
                "tests/unit/catalog/test_audit.py",
                "tests/unit/web",
            },
            id="a page",
        ),
        pytest.param("platform/search/pairs.py", {"tests/unit/web"}, id="an app of pages alone"),
        pytest.param("ml/copies/pdq.py", {"tests/unit/ml/copies/test_pdq.py"}, id="a deep one"),
        pytest.param("ml/images/clip.py", {"tests/unit/ml/test_decode.py"}, id="nearest folder"),
        pytest.param(
            "ml/encoders/families/clip.py",
            {"tests/unit/ml/test_decode.py", "tests/contract/encoder"},
            id="one with a contract",
        ),
        pytest.param(
            "tests/unit/ml/test_decode.py", {"tests/unit/ml/test_decode.py"}, id="a test module"
        ),
        pytest.param("tests/unit/ml/test_gone.py", set(), id="a deleted one"),
        pytest.param(
            "tests/contract/encoder/naive.py",
            {"tests/contract/encoder/test_hub.py"},
            id="a helper of tests",
        ),
        pytest.param("tests/integration/test_broker.py", set(), id="what starts the product"),
        pytest.param("README.md", set(), id="a document"),
    ],
)
def test_a_file_is_checked_by(root: Path, file: str, chosen: set[str]) -> None:
    assert find_tests(root, file) == chosen
