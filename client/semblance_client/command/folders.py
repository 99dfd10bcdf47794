"""Pictures in folders of this machine."""

import os
from collections.abc import Iterator
from pathlib import Path

# What is taken of folders; a file that is named is sent, whatever its name, and the site decides.
_ENDINGS = frozenset(
    {
        *(".jpg", ".jpeg", ".jfif", ".pjpeg", ".pjp", ".jpe", ".png", ".apng", ".webp", ".gif"),
        *(".bmp", ".dib", ".tif", ".tiff", ".mpo", ".heic", ".heif", ".avif"),
    }
)


def pictures_of(source: Path) -> Iterator[Path]:
    """Yield a file itself, or the pictures below a folder, in order.

    Links to folders are not followed, hidden files and folders are left.
    """
    if not source.is_dir():
        if source.exists():
            yield source
        return
    for folder, folders, names in os.walk(source):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if Path(name).suffix.lower() in _ENDINGS and not name.startswith("."):
                yield Path(folder) / name
