"""Picture files below a folder, by their names alone."""

import os
from pathlib import Path

_SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif")
)


def list_pictures(folder: Path) -> list[Path]:
    """Return the files at any depth that have a picture's suffix, sorted; hidden ones are not.

    Of a folder that does not exist there are none.
    """
    found = []
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            Path(parent, name)
            for name in files
            if not name.startswith(".") and Path(name).suffix.lower() in _SUFFIXES
        ]
    return sorted(found)
