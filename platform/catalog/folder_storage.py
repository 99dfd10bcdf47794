"""The catalogue's files in a folder of this machine."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Any, TypeVar

from django.core.files.storage import FileSystemStorage

T = TypeVar("T")

# Files are written here and then moved; what a crash leaves is removed by `storage`.
UNFINISHED = "unfinished"


class FolderStorage(FileSystemStorage):
    """Django's, but that each file is there whole or not at all, and threads may write.

    Django's writes in place, so that who dies meanwhile leaves half a file under its name, and
    changes the umask of the whole process. It takes three times as long.
    """

    def _save(self, name: str, content: Any) -> str:
        path = Path(self.path(name))
        unfinished = Path(self.path(UNFINISHED)) / token_hex(8)
        file = self._in_folder(unfinished.parent, lambda: self._create(unfinished))
        try:
            try:
                for piece in content.chunks():
                    _write_all(file, piece)
            finally:
                os.close(file)
            self._in_folder(path.parent, lambda: unfinished.replace(path))
        except BaseException:
            unfinished.unlink(missing_ok=True)  # interrupted right after it was moved
            raise
        return name

    def _create(self, path: Path) -> int:
        mode = self.file_permissions_mode or 0o666
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)

    def _in_folder(self, folder: Path, work: Callable[[], T]) -> T:
        """Return what the work returns; where the folder is missing, it is made and asked again."""
        try:
            return work()
        except FileNotFoundError:
            self._make(folder)
            return work()

    def _make(self, folder: Path) -> None:
        if not folder.parent.exists():
            self._make(folder.parent)
        with suppress(FileExistsError):  # another thread was faster
            folder.mkdir(self.directory_permissions_mode or 0o777)


def _write_all(file: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(file, left) :]
