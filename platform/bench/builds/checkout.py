"""This working tree and another commit, each ready to be started."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.builds.requirements import unmet
from config.env import ROOT

Say = Callable[[str], None]

# Worktrees of benchmarks stand in folders whose names begin so.
SCRATCH_PREFIX = "semblance-bench-"
_UNMET_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Build:
    """One state of the code and what runs it.

    Attributes:
        name: what its figures are printed under.
        root: folder of the code.
        python: interpreter that has its packages.
    """

    name: str
    root: Path
    python: Path


def this_build() -> Build:
    """Return this working tree, as it is on disk, with the interpreter that runs this."""
    return Build("this build", ROOT, Path(sys.executable))


@contextmanager
def checked_out(commit: str, scratch: Path, *, say: Say) -> Iterator[Build]:
    """Yield another commit's build, checked out below `scratch`; it is removed afterwards.

    It runs with this interpreter where its packages suit that commit, else with an environment of
    its own, which is made in the worktree by that commit's set-up. Which of the two is said.

    Args:
        commit: anything that git resolves to a commit.
        scratch: an existing folder outside the repository.
        say: is told what was found and done, sentence by sentence.

    Raises:
        ValueError: there is no such commit here, or it has no product that could be started.
        RuntimeError: git or the set-up failed; the sentence ends with their own words.
    """
    sha = _resolve(commit)
    for left in _left_behind():
        say(
            f"Another benchmark runs or was killed: it has a worktree in {left}. If none runs, "
            f"remove it with: git worktree remove --force {left}"
        )
    root = scratch / "worktree"
    try:
        _git("worktree", "add", "--detach", str(root), sha)
        if not (root / "deploy" / "local" / "__main__.py").is_file():
            raise ValueError(f"The commit {commit} has no deploy.local that would start it.")
        # Else only this side would find its modules compiled at its first start.
        _run(Path(sys.executable), "-m", "compileall", "-q", ".", cwd=root)
        yield Build(sha[: max(7, len(commit))], root, _interpreter(root, say))
    finally:
        _remove(root)


def _resolve(commit: str) -> str:
    words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}")
    try:
        return _git(*words)
    except RuntimeError as error:
        if not _is_repository():
            raise RuntimeError(
                f"{ROOT} is no git repository: there is nothing to compare with."
            ) from error
        raise ValueError(
            f"There is no commit {commit!r} in this repository (git fetch may bring it)."
        ) from error


def _is_repository() -> bool:
    try:
        _git("rev-parse", "--git-dir")
    except RuntimeError:
        return False
    return True


def _left_behind() -> list[str]:
    lines = _git("worktree", "list", "--porcelain").splitlines()
    folders = [line.removeprefix("worktree ") for line in lines if line.startswith("worktree ")]
    return [
        folder
        for folder in folders
        if Path(folder).parent.name.startswith(SCRATCH_PREFIX) and Path(folder).exists()
    ]


def _interpreter(root: Path, say: Say) -> Path:
    missing = unmet(root)
    if not missing:
        say(f"The packages of {Path(sys.prefix).name} suit it.")
        return Path(sys.executable)
    shown = ", ".join(missing[:_UNMET_SHOWN])
    more = f" and {len(missing) - _UNMET_SHOWN} more" if len(missing) > _UNMET_SHOWN else ""
    say(f"It asks for {shown}{more}: it gets an environment of its own, which takes minutes.")
    _run(Path(sys.executable), "-m", "deploy.local.setup", cwd=root)
    return root / ".venv" / "bin" / "python"


def _remove(root: Path) -> None:
    """Forget the worktree, whatever is left of it; what git says to that helps nobody."""
    for words in (("remove", "--force", "--force", str(root)), ("prune",)):
        subprocess.run(  # noqa: S603  # our own words
            ["git", "worktree", *words],  # noqa: S607  # git as the path has it
            cwd=ROOT,
            capture_output=True,
            check=False,
        )


def _git(*words: str) -> str:
    """Return what git prints; its hooks, which may do anything at a checkout, do not run."""
    return _run(Path("git"), "-c", f"core.hooksPath={os.devnull}", *words, cwd=ROOT)


def _run(program: Path, *words: str, cwd: Path) -> str:
    try:
        done = subprocess.run(  # noqa: S603  # our own words, no shell
            [str(program), *words], cwd=cwd, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise RuntimeError(f"{program.name} cannot be run: {error.strerror}.") from error
    if done.returncode != 0:
        said = (done.stderr + done.stdout).strip()
        raise RuntimeError(f"`{program.name} {' '.join(words)}` failed: {said}")
    return done.stdout.strip()
