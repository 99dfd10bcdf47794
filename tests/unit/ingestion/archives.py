"""Archives as people have them, and as attackers make them."""

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

Members = Mapping[str, bytes]


def write_zip(path: Path, members: Members, compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=compression)
    return path


def write_tar(path: Path, members: Members, mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def add_to_tar(path: Path, name: str, kind: bytes, target: str = "") -> None:
    """Add what is no file: a link, a device, a pipe."""
    with tarfile.open(path, "a") as archive:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, target
        archive.addfile(member)
