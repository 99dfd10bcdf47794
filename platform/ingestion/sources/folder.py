"""A folder, or one file."""

import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePath
from typing import NamedTuple

from ingestion.sources.base import SourceFile, read_path, shown, size_of
from ingestion.sources.fingerprints import PathSet, path_key
from kernel.errors import UserInputError
from ml.rules.file_types import ending_of, is_hidden, kind_passed_over


class FoundFile(NamedTuple):
    """A file by its path in a folder, and the name of the XMP file beside it.

    No `Path`, and no frozen dataclass: of a million files they take most of the time.
    """

    name: str
    sidecar: str | None = None


@dataclass(frozen=True, slots=True)
class FolderSource:
    """The picture files below a folder, or the one file that `path` is.

    With `within`, a resolved folder, what links lead out of that is refused. With `listed`, only
    the files that it names are yielded, and nothing is counted.
    """

    path: Path
    within: Path | None = None
    listed: PathSet | None = None

    @property
    def name(self) -> str:
        """The path."""
        return shown(self.path)

    def check(self) -> None:
        """Refuse what is not there.

        Raises:
            UserInputError: "folder:user:missing".
        """
        self._is_file()

    def files(self, passed_over: Counter[str]) -> Iterator[SourceFile]:
        """Yield the files of `find`; an XMP file beside a picture comes with it.

        Raises:
            UserInputError: "folder:user:missing".
        """
        if self._is_file():
            yield self._file(self.path, self.path.parent)
            return
        listed = self.listed
        for found in self.find(Counter() if listed else passed_over):
            if listed is None or path_key(found.name) in listed:
                yield self._file(self.path / found.name, self.path, found.sidecar)

    def find(self, passed_over: Counter[str]) -> Iterator[FoundFile]:
        """Yield a folder's files in name order, its own before those in folders below.

        Links to folders are not followed, so that a loop of links ends. A folder that may not be
        read stands for its files: it cannot be read either. A hidden folder counts once.

        Args:
            passed_over: as in `files`.
        """
        top = os.fspath(self.path)
        closed: list[OSError] = []
        for parent, folders, names in os.walk(self.path, onerror=closed.append):
            _leave_out(folders, Path(parent), passed_over)
            sidecars = _sidecars(names)
            for name in sorted({*names} - {*sidecars.values()}):
                if kind := kind_passed_over(name):
                    passed_over[kind] += 1
                else:
                    yield FoundFile(_below(top, f"{parent}/{name}"), sidecars.get(name))
        for refusal in closed:
            yield FoundFile(_below(top, refusal.filename))

    def _is_file(self) -> bool:
        try:
            return stat.S_ISREG(self.path.stat().st_mode)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            raise UserInputError("folder:user:missing", folder=self.name) from error

    def _file(self, path: Path, root: Path, sidecar: str | None = None) -> SourceFile:
        name = shown(path.relative_to(root))
        read = partial(read_path, path, within=self.within)
        file = SourceFile(name=name, read=read, path=name, size=partial(size_of, path))
        if sidecar is None:
            return file
        beside = partial(_read_sidecar, path.with_name(sidecar), self.within)
        return replace(file, read_sidecar=beside)


def _below(top: str, path: str) -> str:
    return path[len(top) :].lstrip("/")


def _leave_out(folders: list[str], parent: Path, passed_over: Counter[str]) -> None:
    """Keep of a folder's folders those that are entered, in name order; count the others."""
    for name in folders:
        if is_hidden(name):
            passed_over[kind_passed_over(name)] += 1
        elif (parent / name).is_symlink():
            passed_over["link"] += 1
    folders[:] = sorted(name for name in folders if not is_hidden(name))


def _sidecars(names: Sequence[str]) -> Mapping[str, str]:
    """Return picture → the XMP file beside it: "a.jpg.xmp", else "a.xmp"."""
    found = {PurePath(name).stem: name for name in names if ending_of(name) == ".xmp"}
    pictures = [name for name in names if not kind_passed_over(name)] if found else []
    beside = {name: found.get(name) or found.get(PurePath(name).stem) for name in pictures}
    return {name: sidecar for name, sidecar in beside.items() if sidecar}


def _read_sidecar(path: Path, within: Path | None) -> bytes | None:
    try:
        return read_path(path, within=within)
    except UserInputError:
        return None  # the picture comes in without it
