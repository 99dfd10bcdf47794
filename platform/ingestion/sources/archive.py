"""A ZIP, or a TAR as it is or packed: members are read one at a time, none is unpacked to disk."""

import bz2
import gzip
import lzma
import re
import struct
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any, Self, cast

from django.conf import settings

from catalog.validation import check_size
from ingestion.sources.base import (
    SourceFile,
    ending_with_its_error,
    kind_of_path,
    refused,
    shown,
)
from ingestion.sources.lines import lines_of
from ingestion.sources.manifest import Cells, file_of_row, read_rows
from kernel.errors import UserInputError
from ml.rules.file_types import ARCHIVE_ENDINGS, ending_of

# A ZIP lists its members at its end, and the list is held: some 0.6 kB a member.
MAX_LIST_BYTES = 128 * 1024 * 1024
# All that is unpacked of an archive may be so many times its size, and so much in any case.
# Pictures are packed already: what grows like this was made to.
MAX_GROWTH = 100
FREE_GROWTH_BYTES = 256 * 1024 * 1024

_ZIP_END = b"PK\x05\x06"
_ZIP_MAGIC = (b"PK\x03\x04", _ZIP_END, b"PK\x07\x08")
# The end with the longest comment, and ZIP64's two parts before it.
_ZIP64_ENDS_BYTES = 56 + 20
_ZIP_END_MAX_BYTES = 22 + 0xFFFF + _ZIP64_ENDS_BYTES
_IN_ZIP64 = 0xFFFF_FFFF
# The first bytes of what packs a TAR → what unpacks it piece by piece.
_UNPACKERS: dict[bytes, Callable[[IO[bytes]], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
_DRIVE = re.compile("[A-Za-z]:")
_USTAR_MAGIC, _USTAR_START = b"ustar", 257
_ENCRYPTED, _NAMED_IN_UTF_8 = 0x1, 0x800  # bits of a ZIP member's flags
# `zipfile` unpacks these to the size that is asked for, and of others whatever a piece of what is
# packed grows to: with bzip2 45 bytes may be 45 million.
_UNPACKED_BY_SIZE = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_STEP_BYTES = 1024 * 1024
_UNIX, _UNIX_LINK = 3, 0o120000
# At a ZIP's top, it names the pictures in it and says what there is to say of them.
_MANIFESTS = frozenset({"manifest.csv", "manifest.jsonl"})
# What the standard library raises where an archive is not as it should be. RuntimeError: another
# kind of encryption; NotImplementedError, which is one: a later version of the format.
_DAMAGES = (
    *(zipfile.BadZipFile, zipfile.LargeZipFile, tarfile.TarError, zlib.error, lzma.LZMAError),
    *(EOFError, OSError, RuntimeError, ValueError, struct.error, IndexError),
)


@dataclass(frozen=True, slots=True)
class ArchiveSource:
    """The pictures in a ZIP or TAR; archives in it, links and devices are passed over."""

    path: Path

    @property
    def name(self) -> str:
        """The archive's path."""
        return shown(self.path)

    def check(self) -> None:
        """Read a ZIP's list of members and its manifest, or a TAR's first member.

        Raises:
            UserInputError: "archive:user:damaged", "archive:user:too-many-members",
                "file:user:missing", "file:user:unreadable"; of a manifest, "manifest:user:…",
                "archive:user:encrypted", "archive:user:packing".
        """
        with ExitStack() as closing:
            if self._is_zip():
                archive = closing.enter_context(_opened_zip(self.path))
                if (manifest := _manifest_of(archive)) is not None:
                    for _ in _rows(archive, manifest, _Growth(self.path)):
                        pass
            else:
                with _damage_translated():
                    _opened_tar(self.path, _Growth(self.path), closing).next()

    def files(self, passed_over: Counter[str]) -> Iterator[SourceFile]:
        """Yield the pictures in the order of a ZIP's list, or as they lie in a TAR.

        A damaged archive is read as far as it goes. A TAR's pictures are read here, since there is
        no way back to them.
        """
        return ending_with_its_error(self.name, self._members(passed_over))

    def _members(self, passed_over: Counter[str]) -> Iterator[SourceFile]:
        members = _zip_members if self._is_zip() else _tar_members
        yield from members(self.path, passed_over)

    def _is_zip(self) -> bool:
        return _beginning(self.path).startswith(_ZIP_MAGIC)


def is_archive(path: Path) -> bool:
    """Return whether a file is an archive by its content, or at least by its name.

    Raises:
        UserInputError: "file:user:missing", "file:user:unreadable".
    """
    first = _beginning(path)
    is_tar = first[_USTAR_START:].startswith(_USTAR_MAGIC)
    by_content = first.startswith((*_ZIP_MAGIC, *_UNPACKERS)) or is_tar
    return by_content or ending_of(path.name) in ARCHIVE_ENDINGS


# ZIP


def _zip_members(path: Path, passed_over: Counter[str]) -> Iterator[SourceFile]:
    archive, growth = _opened_zip(path), _Growth(path)
    if (manifest := _manifest_of(archive)) is not None:
        yield from _named_members(archive, manifest, growth, passed_over)
        return
    # It is closed with the last file that may still be read.
    for member in archive.infolist():
        name = _zip_name(member)
        kind = "link" if _is_zip_link(member) else kind_of_path(name)
        if member.is_dir():
            continue
        if kind:
            passed_over[kind] += 1
        elif _is_unsafe(name):
            yield refused(shown(name), UserInputError("archive:user:unsafe-path"))
        else:
            yield _file(name, partial(_read_zip_member, archive, member, growth), member.file_size)


def _manifest_of(archive: zipfile.ZipFile) -> zipfile.ZipInfo | None:
    """Return the manifest at a ZIP's top; None where it has none."""
    return next((one for one in archive.infolist() if one.filename in _MANIFESTS), None)


def _rows(
    archive: zipfile.ZipFile, manifest: zipfile.ZipInfo, growth: "_Growth"
) -> Iterator[tuple[int, Cells]]:
    _refuse_locked(manifest)
    with _damage_translated("archive:user:damaged-member"), archive.open(manifest) as file:
        counted = cast("IO[bytes]", _CountedReader(file, growth))
        yield from read_rows(manifest.filename, lines_of(counted))


def _named_members(
    archive: zipfile.ZipFile,
    manifest: zipfile.ZipInfo,
    growth: "_Growth",
    passed_over: Counter[str],
) -> Iterator[SourceFile]:
    """Yield a file a row of a ZIP's manifest; members that no row names are passed over."""
    members = {_zip_name(one): one for one in archive.infolist() if not one.is_dir()}
    unnamed = set(members) - {manifest.filename}

    def read(path: str) -> bytes:
        member = members.get(path)
        if member is None or _is_zip_link(member):
            raise UserInputError("file:user:missing")
        return _read_zip_member(archive, member, growth)

    def size(path: str) -> int | None:
        member = members.get(path)
        return None if member is None else member.file_size

    for line, cells in _rows(archive, manifest, growth):
        unnamed.discard(str(cells.get("path", "")))
        try:
            yield file_of_row(cells, read, size)
        except UserInputError as error:
            error.context["line"] = line
            yield refused(f"{manifest.filename}: {line}", error)
    if unnamed:
        passed_over["unnamed"] += len(unnamed)


def _opened_zip(path: Path) -> zipfile.ZipFile:
    if _list_bytes(path) > MAX_LIST_BYTES:
        raise UserInputError("archive:user:too-many-members")
    with _damage_translated():
        return zipfile.ZipFile(path)


def _list_bytes(path: Path) -> int:
    """Return the size that a ZIP's end states for its list of members.

    What looks like an end may be part of a comment: the largest of all counts.

    Source: APPNOTE.TXT 4.3.14 to 4.3.16; ZIP64's end lies right before its locator and the end.
    """
    with _damage_translated(), path.open("rb") as file:
        end = file.seek(0, 2)
        file.seek(max(0, end - _ZIP_END_MAX_BYTES))
        tail = file.read()
        sizes = [0]
        for found in re.finditer(re.escape(_ZIP_END), tail):
            sizes += struct.unpack_from("<I", tail, found.start() + 12)
            start_64 = found.start() - _ZIP64_ENDS_BYTES
            if sizes[-1] == _IN_ZIP64 and start_64 >= 0:
                sizes[-1] = struct.unpack_from("<Q", tail, start_64 + 40)[0]
        return max(sizes)


def _zip_name(member: zipfile.ZipInfo) -> str:
    """Return the member's path, "/" between folders.

    Programs write UTF-8 without the flag that says so, and Windows' own separator.
    """
    name = member.filename
    if not member.flag_bits & _NAMED_IN_UTF_8:
        with suppress(UnicodeError):  # another alphabet: nobody can know which
            name = name.encode("cp437").decode("utf-8")
    return name.replace("\\", "/")


def _is_zip_link(member: zipfile.ZipInfo) -> bool:
    is_unix = member.create_system == _UNIX
    return is_unix and (member.external_attr >> 16) & 0o170000 == _UNIX_LINK


def _refuse_locked(member: zipfile.ZipInfo) -> None:
    """Refuse a member that cannot be unpacked, or not piece by piece.

    Raises:
        UserInputError: "archive:user:encrypted", "archive:user:packing".
    """
    if member.flag_bits & _ENCRYPTED:
        raise UserInputError("archive:user:encrypted")
    if member.compress_type not in _UNPACKED_BY_SIZE:
        raise UserInputError("archive:user:packing")


def _read_zip_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, growth: "_Growth") -> bytes:
    _refuse_locked(member)
    check_size(member.file_size)
    data = bytearray()
    with _damage_translated("archive:user:damaged-member"), archive.open(member) as file:
        while len(data) <= settings.UPLOAD_MAX_BYTES and (piece := file.read(_STEP_BYTES)):
            growth.add(len(piece))
            data += piece
    check_size(len(data))  # what it says of its size may be wrong
    return bytes(data)


# TAR


def _tar_members(path: Path, passed_over: Counter[str]) -> Iterator[SourceFile]:
    with ExitStack() as closing, _damage_translated():
        archive = _opened_tar(path, _Growth(path), closing)
        while (member := archive.next()) is not None:
            archive.members.clear()  # type: ignore[attr-defined]  # else it keeps all that it has seen
            if member.isdir():
                continue
            if kind := _tar_kind(member):
                passed_over[kind] += 1
            elif _is_unsafe(member.name):
                yield refused(shown(member.name), UserInputError("archive:user:unsafe-path"))
            else:
                yield _tar_file(archive, member)


def _opened_tar(path: Path, growth: "_Growth", closing: ExitStack) -> tarfile.TarFile:
    """Return a TAR that is read once, from its beginning to its end."""
    file: IO[bytes] = closing.enter_context(path.open("rb"))
    for magic, unpacker in _UNPACKERS.items():
        if _beginning(path).startswith(magic):
            file = closing.enter_context(unpacker(file))
    counted = cast("IO[bytes]", _CountedReader(file, growth))
    return closing.enter_context(tarfile.open(fileobj=counted, mode="r|", tarinfo=_StrictMember))


def _tar_kind(member: tarfile.TarInfo) -> str:
    if member.issym() or member.islnk():
        return "link"
    if not member.isfile():
        return "device"
    return kind_of_path(member.name)


def _tar_file(archive: tarfile.TarFile, member: tarfile.TarInfo) -> SourceFile:
    try:
        check_size(member.size)
    except UserInputError as error:
        return refused(shown(member.name), error)
    content = archive.extractfile(member)
    data = b"" if content is None else content.read()
    if len(data) < member.size:
        raise UserInputError("archive:user:damaged")
    return _file(member.name, lambda: data, member.size)


class _StrictMember(tarfile.TarInfo):
    """A member whose header is damaged or cut off is an error; `tarfile` ends there in silence."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # typeshed lacks it
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from error


class _CountedReader:
    """What an unpacked stream is read through, so that it has an end."""

    def __init__(self, file: IO[bytes], growth: "_Growth") -> None:
        self._file = file
        self._growth = growth

    def read(self, size: int) -> bytes:
        return self._counted(self._file.read(size))

    def readline(self, size: int) -> bytes:
        return self._counted(self._file.readline(size))

    def _counted(self, data: bytes) -> bytes:
        self._growth.add(len(data))
        return data


# Both


class _Growth:
    """Counts what was unpacked of an archive, and stops where that is absurd."""

    def __init__(self, path: Path) -> None:
        self._left_bytes = max(FREE_GROWTH_BYTES, MAX_GROWTH * _file_bytes(path))

    def add(self, unpacked_bytes: int) -> None:
        """Count.

        Raises:
            UserInputError: "archive:user:grows".
        """
        self._left_bytes -= unpacked_bytes
        if self._left_bytes < 0:
            raise UserInputError("archive:user:grows", max_growth=MAX_GROWTH)


def _file(name: str, read: Callable[[], bytes], size: int) -> SourceFile:
    path = shown("/".join(PurePosixPath(name).parts))
    return SourceFile(name=path, read=read, path=path, size=lambda: size)


def _is_unsafe(name: str) -> bool:
    """Return whether a name leads out of the archive, on any system."""
    path = PurePosixPath(name)
    return path.is_absolute() or ".." in path.parts or _DRIVE.match(name) is not None


def _beginning(path: Path) -> bytes:
    with _damage_translated(), path.open("rb") as file:
        return file.read(_USTAR_START + len(_USTAR_MAGIC))


def _file_bytes(path: Path) -> int:
    with _damage_translated():
        return path.stat().st_size


@contextmanager
def _damage_translated(code: str = "archive:user:damaged") -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise UserInputError("file:user:missing") from error
    except PermissionError as error:
        raise UserInputError("file:user:unreadable", reason=error.strerror) from error
    except _DAMAGES as error:
        raise UserInputError(code, reason=str(error)) from error
