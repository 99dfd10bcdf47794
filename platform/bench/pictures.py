"""The pictures that benchmarks ingest, made of those in a folder."""

import struct
import zlib
from itertools import cycle, islice
from pathlib import Path

from PIL import Image, ImageOps

from ml.rules.file_types import PICTURE_ENDINGS, ending_of

_JPEG_START, _JPEG_COMMENT = b"\xff\xd8", b"\xff\xfe"
_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_HEADER_END = len(_PNG_START) + 25  # IHDR comes first: length, name, 13 bytes, checksum
_JPEG_QUALITY = 90


def list_pictures(folder: Path) -> list[Path]:
    """Return the files of a folder that are named as pictures, at any depth, by their paths.

    Raises:
        ValueError: there is none.
    """
    pictures = sorted(
        path
        for path in folder.rglob("*")
        if ending_of(path.name) in PICTURE_ENDINGS and path.is_file()
    )
    if not pictures:
        raise ValueError(f"There is no picture in {folder}.")
    return pictures


def write_pictures(source: Path, target: Path, *, count: int) -> None:
    """Copy the pictures of `source`; make up the number with mirrored ones, then turned ones.

    Raises:
        ValueError: there are none, or less than a quarter of what is asked for.
    """
    originals = list_pictures(source)
    if count > 4 * len(originals):
        raise ValueError(f"{source} has {len(originals)} pictures, too few to make {count}.")
    target.mkdir(parents=True)
    edits = (None, ImageOps.mirror, ImageOps.flip, lambda picture: picture.rotate(180))
    for number in range(count):
        original, edit = originals[number % len(originals)], edits[number // len(originals)]
        copy = target / f"{number:06}{original.suffix.lower()}"
        if edit is None:
            copy.write_bytes(original.read_bytes())
            continue
        with Image.open(original) as opened:
            edit(opened.convert("RGB")).save(copy.with_suffix(".jpg"), quality=_JPEG_QUALITY)


def write_negatives(pictures: Path, target: Path, *, count: int, note: str) -> None:
    """Write `count` pictures of a folder in negative, over again where there are fewer.

    They are as much work as the pictures themselves and no copies of them. The same pixels come
    in different files.
    """
    target.mkdir()
    for number, path in enumerate(islice(cycle(sorted(pictures.iterdir())), count)):
        copy = target / f"{number:06}.jpg"
        with Image.open(path) as opened:
            ImageOps.invert(opened.convert("RGB")).save(copy, quality=_JPEG_QUALITY)
        copy.write_bytes(noted(copy.read_bytes(), f"{note} {number}"))


def write_noted(pictures: Path, target: Path, *, note: str) -> None:
    """Write a folder's pictures as other files with the same pixels.

    A catalogue takes them for new, and they are the same work again, bit for bit. What is neither
    JPEG nor PNG becomes JPEG, by one and the same conversion for every note.
    """
    target.mkdir()
    for path in sorted(pictures.iterdir()):
        data, copy = path.read_bytes(), target / path.name
        if not data.startswith((_JPEG_START, _PNG_START)):
            copy = copy.with_suffix(".jpg")
            with Image.open(path) as opened:
                opened.convert("RGB").save(copy, quality=_JPEG_QUALITY)
            data = copy.read_bytes()
        copy.write_bytes(noted(data, note))


def noted(data: bytes, note: str) -> bytes:
    """Return a JPEG or PNG file with a comment in it: other bytes, the same pixels.

    Source: ITU T.81, B.2.4.5 (COM); PNG specification, 11.3.4.3 (tEXt).
    """
    text = note.encode()
    if data.startswith(_JPEG_START):
        # A JFIF or Exif segment has to come first, where there is one.
        at = 2 + _first_segment_bytes(data)
        return data[:at] + _JPEG_COMMENT + struct.pack(">H", len(text) + 2) + text + data[at:]
    if data.startswith(_PNG_START):
        body = b"tEXt" + b"Comment\0" + text
        chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
        return data[:_PNG_HEADER_END] + chunk + data[_PNG_HEADER_END:]
    raise ValueError("Only JPEG and PNG files take a note.")


def _first_segment_bytes(data: bytes) -> int:
    """Return the size of a JPEG's first segment where it is an application's, else 0."""
    marker, size = struct.unpack_from(">HH", data, 2)
    return 2 + size if 0xFFE0 <= marker <= 0xFFEF else 0  # noqa: PLR2004  # APP0 to APP15
