"""Picture files below a folder, by their names alone."""

import os
from pathlib import Path

from ml.errors import NoPictures
from ml.rules.file_types import is_hidden, is_picture_name


def list_pictures(folder: Path) -> list[Path]:
    """Return the files at any depth that are named as pictures, sorted; hidden ones are not.

    Of a folder that does not exist there are none.
    """
    found = []
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not is_hidden(name)]
        found += [Path(parent, name) for name in files if is_picture_name(name)]
    return sorted(found)


def needed_pictures(folder: Path) -> list[Path]:
    """Return what `list_pictures` finds, at least one.

    Raises:
        NoPictures: there is no such folder, or no picture in it.
    """
    if not folder.is_dir():
        raise NoPictures(f"There is no folder {folder}.", folder=str(folder))
    found = list_pictures(folder)
    if not found:
        raise NoPictures(f"There are no pictures in {folder}.", folder=str(folder))
    return found
