import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.builds.checkout import SCRATCH_PREFIX, Build, checked_out

# Makes the environment that it is asked for, of an empty file in the interpreter's place.
SETUP = """
from pathlib import Path
folder = Path(".venv/bin")
folder.mkdir(parents=True)
(folder / "python").touch()
"""


class Repository:
    """A repository with a commit whose product could be started, and one after it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git("init", "--quiet", "--initial-branch", "main")
        self.write("deploy/local/__main__.py", "older")
        self.write("deploy/local/setup.py", SETUP)
        self.older = self.commit()
        self.write("deploy/local/__main__.py", "newer")
        self.newer = self.commit()

    def git(self, *words: str) -> str:
        identity = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.org")
        command = ["git", "-C", str(self.folder), *identity, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def commit(self) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "a commit")
        return self.git("rev-parse", "HEAD")

    def worktrees(self) -> list[str]:
        lines = self.git("worktree", "list", "--porcelain").splitlines()
        return [line.removeprefix("worktree ") for line in lines if line.startswith("worktree ")]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    folder = tmp_path / "repository"
    folder.mkdir()
    return Repository(folder)


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / f"{SCRATCH_PREFIX}1"
    folder.mkdir()
    return folder


@pytest.fixture
def check_out(repository: Repository, scratch: Path) -> Callable[..., object]:
    def check(commit: str, said: list[str] | None = None):
        say = (lambda _: None) if said is None else said.append
        return checked_out(commit, scratch, say=say, repository=repository.folder)

    return check


def test_the_commits_code_is_there_and_gone_afterwards(repository, scratch, check_out) -> None:
    said = []
    with check_out(repository.older, said) as build:
        root = scratch / "worktree"
        assert build == Build(repository.older[:8], root, Path(sys.executable))
        assert (root / "deploy/local/__main__.py").read_text() == "older"
        assert list(root.rglob("*.pyc")) != []
        (root / "left.txt").touch()
        assert repository.worktrees() == [str(repository.folder), str(root)]

    assert not root.exists()
    assert repository.worktrees() == [str(repository.folder)]
    assert said == [
        f"{repository.older[:8]}: the packages that are installed here suit its requirements"
    ]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_nothing_is_left_after_an_error(repository, scratch, check_out, error) -> None:
    with pytest.raises(error), check_out("HEAD~1"):
        raise error

    assert not (scratch / "worktree").exists()
    assert repository.worktrees() == [str(repository.folder)]


def test_nothing_is_left_of_a_worktree_that_is_gone_already(repository, check_out) -> None:
    with check_out("main") as build:
        build.root.rename(build.root.with_name("moved"))

    assert repository.worktrees() == [str(repository.folder)]


@pytest.mark.parametrize("commit", ["0123456", "no-branch", "--help", "", "HEAD~9"])
def test_a_commit_that_does_not_exist(repository, scratch, check_out, commit: str) -> None:
    with pytest.raises(ValueError, match=f"There is no commit '{commit}'"), check_out(commit):
        pytest.fail("it was checked out")

    assert list(scratch.iterdir()) == []
    assert repository.worktrees() == [str(repository.folder)]


def test_a_commit_without_a_product(repository, scratch, check_out) -> None:
    (repository.folder / "deploy/local/__main__.py").unlink()
    repository.commit()

    with (
        pytest.raises(ValueError, match=r"The commit HEAD has no deploy\.local"),
        check_out("HEAD"),
    ):
        pytest.fail("it was checked out")

    assert repository.worktrees() == [str(repository.folder)]


def test_a_folder_that_is_no_repository(tmp_path: Path, scratch: Path) -> None:
    with (
        pytest.raises(RuntimeError, match="is no git repository"),
        checked_out("main", scratch, say=print, repository=tmp_path),
    ):
        pytest.fail("it was checked out")


def test_no_git(repository, check_out, monkeypatch) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(RuntimeError, match="git cannot be run"), check_out("main"):
        pytest.fail("it was checked out")


def test_hooks_of_the_repository_do_not_run(repository, check_out, tmp_path: Path) -> None:
    hook = repository.folder / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path / 'ran'}\n")
    hook.chmod(0o755)

    with check_out("main"):
        assert not (tmp_path / "ran").exists()


def test_other_requirements_get_an_environment_of_their_own(repository, check_out) -> None:
    lines = [f"nobody-has-this-{number}==1" for number in range(5)]
    repository.write("requirements.txt", "\n".join(lines))
    repository.commit()
    said = []

    with check_out("HEAD", said) as build:
        assert build.python == build.root / ".venv" / "bin" / "python"
        assert build.python.exists()

    assert said == [
        f"{build.name}: asks for nobody-has-this-0==1, nobody-has-this-1==1, nobody-has-this-2==1 "
        "and 2 more; an environment of its own is made, in some minutes"
    ]


def test_a_set_up_that_fails_is_quoted(repository, check_out) -> None:
    repository.write("requirements.txt", "nobody-has-this==1")
    repository.write("deploy/local/setup.py", "raise SystemExit('no space is left')")
    repository.commit()

    with (
        pytest.raises(RuntimeError, match=r"deploy\.local\.setup` failed: no space is left"),
        check_out("HEAD"),
    ):
        pytest.fail("it was checked out")

    assert repository.worktrees() == [str(repository.folder)]


def test_what_a_killed_benchmark_left_is_named(repository, check_out, tmp_path: Path) -> None:
    left = tmp_path / f"{SCRATCH_PREFIX}0" / "worktree"
    repository.git("worktree", "add", "--detach", "--quiet", str(left), "main")
    said = []

    with check_out("main", said):
        pass

    assert said[0].endswith(f"remove it with: git worktree remove --force {left}")
    assert repository.worktrees() == [str(repository.folder), str(left)]
