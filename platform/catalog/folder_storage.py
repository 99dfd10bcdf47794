"""The catalogue's files in a folder of this machine."""

import os
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Any

from django.core.files.storage import FileSystemStorage


class FolderStorage(FileSystemStorage):
    """Django's, but that each file is there whole or not at all, and threads may write.

    Django's writes in place, so that who dies meanwhile leaves half a file under its name, and
    changes the umask of the whole process. It takes three times as long.
    """

    def _save(self, name: str, content: Any) -> str:
        path = Path(self.path(name))
        # What a crash leaves has the name of no image's file: `audit` removes it.
        unfinished = path.with_name(f"{token_hex(8)}.unfinished")
        try:
            file = self._create(unfinished)
        except FileNotFoundError:
            self._make_folder(path.parent)
            file = self._create(unfinished)
        try:
            try:
                for piece in content.chunks():
                    _write_all(file, piece)
            finally:
                os.close(file)
            unfinished.replace(path)
        except BaseException:
            unfinished.unlink()
            raise
        return name

    def _create(self, path: Path) -> int:
        mode = self.file_permissions_mode or 0o666
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)

    def _make_folder(self, folder: Path) -> None:
        if not folder.parent.exists():
            self._make_folder(folder.parent)
        with suppress(FileExistsError):  # another thread was faster
            folder.mkdir(self.directory_permissions_mode or 0o777)


def _write_all(file: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(file, left) :]
