"""This working tree and another commit, each ready to be started."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.builds.requirements import unmet
from config.env import ROOT

Say = Callable[[str], None]

# Worktrees of benchmarks stand in folders whose names begin so.
SCRATCH_PREFIX = "semblance-bench-"
_UNMET_SHOWN, _NAME_CHARS = 3, 8


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
def checked_out(
    commit: str, scratch: Path, *, say: Say, repository: Path = ROOT
) -> Iterator[Build]:
    """Yield another commit's build, checked out below `scratch`; it is removed afterwards.

    It runs with this interpreter where its packages suit that commit, else with an environment of
    its own, which is made in the worktree by that commit's set-up. Which of the two is said.

    Args:
        commit: anything that git resolves to a commit.
        scratch: an existing folder outside the repository.
        say: is told what was found and done, sentence by sentence.
        repository: where the commit is looked for.

    Raises:
        ValueError: there is no such commit here, or it has no product that could be started.
        RuntimeError: git or the set-up failed; the sentence ends with their own words.
    """
    sha = _resolve(commit, repository)
    for left in _left_behind(repository):
        say(
            f"Another benchmark runs or was killed: it has a worktree in {left}. If none runs, "
            f"remove it with: git worktree remove --force {left}"
        )
    root = scratch / "worktree"
    try:
        _git(repository, "worktree", "add", "--detach", str(root), sha)
        if not (root / "deploy" / "local" / "__main__.py").is_file():
            raise ValueError(f"The commit {commit} has no deploy.local that would start it.")
        # Else only this side would find its modules compiled at its first start.
        _run(Path(sys.executable), "-m", "compileall", "-q", ".", cwd=root)
        name = sha[:_NAME_CHARS]
        yield Build(name, root, _interpreter(name, root, say))
    finally:
        _remove(root, repository)


def _resolve(commit: str, repository: Path) -> str:
    if not (repository / ".git").exists():
        raise RuntimeError(f"{repository} is no git repository: there is nothing to compare with.")
    _git(repository, "--version")  # else its absence would be taken for the commit's
    words = ("rev-parse", "--verify", "--end-of-options", f"{commit}^{{commit}}")
    try:
        return _git(repository, *words)
    except RuntimeError as error:
        raise ValueError(
            f"There is no commit {commit!r} in this repository; git fetch may bring it. {error}"
        ) from error


def _left_behind(repository: Path) -> list[Path]:
    """Return the worktrees of other benchmarks that are still there."""
    lines = _git(repository, "worktree", "list", "--porcelain").splitlines()
    there = [Path(line.removeprefix("worktree ")) for line in lines if line.startswith("worktree ")]
    return [path for path in there if path.parent.name.startswith(SCRATCH_PREFIX) and path.exists()]


def _interpreter(name: str, root: Path, say: Say) -> Path:
    missing = unmet(root)
    if not missing:
        say(f"{name}: the packages that are installed here suit its requirements")
        return Path(sys.executable)
    shown = ", ".join(missing[:_UNMET_SHOWN])
    more = f" and {len(missing) - _UNMET_SHOWN} more" if len(missing) > _UNMET_SHOWN else ""
    say(f"{name}: asks for {shown}{more}; an environment of its own is made, in some minutes")
    _run(Path(sys.executable), "-m", "deploy.local.setup", cwd=root)
    return root / ".venv" / "bin" / "python"


def _remove(root: Path, repository: Path) -> None:
    """Forget the worktree, whatever is left of it; what git says to that helps nobody."""
    for words in (("remove", "--force", "--force", str(root)), ("prune",)):
        with suppress(RuntimeError):
            _git(repository, "worktree", *words)


def _git(repository: Path, *words: str) -> str:
    """Return what git prints; its hooks, which may do anything at a checkout, do not run."""
    return _run(Path("git"), "-c", f"core.hooksPath={os.devnull}", *words, cwd=repository)


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
