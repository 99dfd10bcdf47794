"""Picture files below a folder, by their names alone."""

import os
from pathlib import Path

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
