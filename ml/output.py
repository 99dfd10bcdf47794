"""Result files that appear whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ml.errors import OutputUnwritable


def check_writable(folder: Path) -> None:
    """Return if the folder can be made or written; asked before hours of work, changes nothing.

    Raises:
        OutputUnwritable: it cannot, or something that is no folder has its name.
    """
    existing = folder.absolute()
    while not existing.exists():
        existing = existing.parent
    if not existing.is_dir():
        raise OutputUnwritable(f"{existing} is a file, not a folder.", path=str(existing))
    if not os.access(existing, os.W_OK | os.X_OK):
        raise OutputUnwritable(f"{existing} cannot be written to.", path=str(existing))


@contextmanager
def replaced_files(folder: Path, names: Sequence[str]) -> Iterator[Path]:
    """Give a scratch folder, and at the end move its files over the named ones of a folder.

    Of `names`, those that were not written are removed, so that no older run's file stays beside
    newer ones; all other files of the folder stay. After an error nothing has changed.

    Raises:
        OutputUnwritable: the folder cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder))
        try:
            yield scratch
            for name in names:
                if (scratch / name).exists():
                    (scratch / name).replace(folder / name)
                else:
                    (folder / name).unlink(missing_ok=True)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    except OSError as err:
        raise OutputUnwritable(
            f"{folder} cannot be written: {err.strerror}.", path=str(folder)
        ) from err
