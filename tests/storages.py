"""Storage backends that fail, as real ones do."""

import errno
import os
from collections.abc import Callable
from typing import Any

from catalog.folder_storage import FolderStorage


class FailingStorage(FolderStorage):
    """A folder in which one operation fails, after it went well `good` times.

    The failing ones are "save", "open", "delete", "exists" and "listdir".
    """

    def __init__(self, *, operation: str, good: int = 0, code: int = errno.ENOSPC, **options: Any):
        super().__init__(**options)
        self._operation, self._good, self._code = operation, good, code

    def _save(self, name: str, content: Any) -> str:
        self._fail_at("save")
        return super()._save(name, content)

    def _open(self, name: str, mode: str = "rb") -> Any:
        self._fail_at("open")
        return super()._open(name, mode)

    def delete(self, name: str) -> None:
        self._fail_at("delete")
        super().delete(name)

    def exists(self, name: str) -> bool:
        self._fail_at("exists")
        return super().exists(name)

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        self._fail_at("listdir")
        return super().listdir(path)

    def _fail_at(self, operation: str) -> None:
        if operation != self._operation:
            return
        if self._good <= 0:
            raise OSError(self._code, os.strerror(self._code))
        self._good -= 1


class BusyStorage(FolderStorage):
    """A folder in which something happens beside the n-th call of one operation.

    It happens before a "save" or "delete" and after a "listdir".
    """

    def __init__(
        self, *, operation: str, meanwhile: Callable[[], object], nth: int = 1, **options: Any
    ):
        super().__init__(**options)
        self._operation, self._meanwhile, self._left = operation, meanwhile, nth

    def _save(self, name: str, content: Any) -> str:
        self._happen_at("save")
        return super()._save(name, content)

    def delete(self, name: str) -> None:
        self._happen_at("delete")
        super().delete(name)

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        found = super().listdir(path)
        self._happen_at("listdir")
        return found

    def _happen_at(self, operation: str) -> None:
        if operation == self._operation:
            self._left -= 1
            if self._left == 0:
                self._meanwhile()
