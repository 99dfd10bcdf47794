"""`python -m deploy.check.changed`: names the tests that a change is checked with, for pytest.

What changed are the files of this working tree that differ from where it left origin/main, or
from the last commit where there is no such branch. Tests lie as their sources do, so a source is
checked by the test module of its own name, or else by those of the nearest folder. Integration
and browser tests start the product and take their time: they are left to `make test`.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_ALWAYS = "tests/architecture"
_QUICK = ("tests/unit", "tests/contract", _ALWAYS)
# What of the site has no test module of its own name is seen on its pages.
_PAGES = "tests/unit/web"
_SOURCES = ("platform", "workers", "ml", "deploy", "client")
# Whose implementations are proved by contract tests as well.
_CONTRACTS = {
    "platform/vectors/": "tests/contract/vector_index",
    "platform/catalog/storage.py": "tests/contract/storage",
    "ml/detection/": "tests/contract/detector",
    "ml/encoders/": "tests/contract/encoder",
    "ml/weights/": "tests/contract/encoder",
    # Containers and units run the same commands.
    "deploy/local/processes.py": "tests/unit/deploy",
}


def changed_files(root: Path) -> list[str]:
    """Return the changed files, relative to ``root``: committed, edited, new and deleted ones."""
    fork = _git(root, "merge-base", "HEAD", "origin/main") or ["HEAD"]
    edited = _git(root, "diff", "--name-only", "--no-renames", "-z", fork[0].strip())
    new = _git(root, "ls-files", "--others", "--exclude-standard", "-z")
    return sorted({*edited, *new})


def find_tests(root: Path, file: str) -> set[str]:
    """Return what of the quick tests checks ``file``: test modules and folders of them."""
    path = Path(file)
    if path.parts[0] == "tests":
        if not file.startswith(_QUICK):
            return set()
        is_test = path.name.startswith("test_")
        modules = [root / path] if is_test else (root / path).parent.glob("test_*.py")
        return {str(module.relative_to(root)) for module in modules if module.exists()}
    if path.parts[0] not in _SOURCES:
        return set()
    contracts = {tests for sources, tests in _CONTRACTS.items() if file.startswith(sources)}
    return contracts | _unit_tests(root, path)


def _unit_tests(root: Path, path: Path) -> set[str]:
    is_of_site = path.parts[0] == "platform"
    mirrored = root / "tests" / "unit" / (path.relative_to("platform") if is_of_site else path)
    folder = next(folder for folder in mirrored.parents if folder.is_dir())
    own = folder / f"test_{path.stem}.py"
    if own.exists():
        return {str(own.relative_to(root))}
    nearest = {str(module.relative_to(root)) for module in folder.glob("test_*.py")}
    return nearest | ({_PAGES} if is_of_site else set())


def _git(root: Path, *arguments: str) -> list[str]:
    """Return what git lists, nothing where it fails: there is no origin/main, or no git."""
    done = subprocess.run(  # noqa: S603  # fixed commands
        ["git", *arguments],  # noqa: S607  # whichever git this machine has
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    return [name for name in done.stdout.split("\0") if name] if done.returncode == 0 else []


def main() -> int:
    """Write the tests, one a line."""
    chosen = {_ALWAYS}.union(*(find_tests(ROOT, file) for file in changed_files(ROOT)))
    sys.stdout.write("".join(f"{name}\n" for name in sorted(chosen)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
