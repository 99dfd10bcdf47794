"""Where pictures come from: each source yields files by name, read one at a time."""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from unicodedata import category

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from catalog.validation import check_size
from kernel.errors import UserInputError
from ml.rules.file_types import UNSUPPORTED_ENDINGS, ending_of, is_hidden, is_picture_name


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file that promises to be a picture.

    `read` returns its bytes and raises UserInputError ("file:user:missing", "file:user:unreadable",
    "image:user:empty-file", "image:user:too-large") where it cannot.
    """

    name: str
    read: Callable[[], bytes]


def list_folder(folder: Path) -> Iterator[SourceFile]:
    """Yield the picture files below a folder, or the one file that `folder` is, in name order.

    What bears no picture's ending (notes, sidecar files) and hidden files are passed over. Links
    to folders are not followed, so that a loop of links ends. A folder that may not be read stands
    for its files: it cannot be read either.

    Raises:
        UserInputError: "folder:user:missing".
    """
    try:
        is_file = stat.S_ISREG(folder.stat().st_mode)
    except OSError as error:
        raise UserInputError("folder:user:missing", folder=str(folder)) from error
    if is_file:
        yield _file(folder, folder.parent)
        return
    closed: list[OSError] = []
    for parent, folders, names in os.walk(folder, onerror=closed.append):
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        for name in sorted(names):
            if _promises_a_picture(name):
                yield _file(Path(parent) / name, folder)
    for refused in closed:
        yield _file(Path(refused.filename), folder)


def shown(path: Path) -> str:
    """Return a path's name for people.

    It need not be UTF-8; what is not, and what would steer a terminal or begin a line, is "�".
    """
    name = os.fsencode(path).decode("utf-8", "replace")
    return "".join("\N{REPLACEMENT CHARACTER}" if category(each) == "Cc" else each for each in name)


def list_uploads(files: list[UploadedFile]) -> Iterator[SourceFile]:
    """Yield the files of a form."""
    for file in files:
        yield SourceFile(name=file.name or "", read=partial(_read_upload, file))


def _promises_a_picture(name: str) -> bool:
    is_unsupported = not is_hidden(name) and ending_of(name) in UNSUPPORTED_ENDINGS
    return is_picture_name(name) or is_unsupported


def _file(path: Path, root: Path) -> SourceFile:
    return SourceFile(name=shown(path.relative_to(root)), read=partial(_read_path, path))


def _read_path(path: Path) -> bytes:
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):  # reading a pipe would wait for ever
            raise UserInputError("file:user:unreadable")
        check_size(facts.st_size)
        with path.open("rb") as file:  # it may have grown meanwhile
            data = file.read(settings.UPLOAD_MAX_BYTES + 1)
        check_size(len(data))
        return data
    except FileNotFoundError as error:
        raise UserInputError("file:user:missing") from error
    except OSError as error:
        raise UserInputError("file:user:unreadable", reason=error.strerror) from error


def _read_upload(file: UploadedFile) -> bytes:
    check_size(file.size or 0)
    file.seek(0)  # it may be read again, where SQL was away the first time
    return bytes(file.read())
