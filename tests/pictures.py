"""Pictures and broken files that tests draw themselves, as bytes."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

RED, GREEN, BLUE, YELLOW = (220, 30, 30), (30, 200, 60), (40, 60, 220), (230, 220, 40)


def encoded(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """The file of a picture."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def plain(
    colour: tuple[int, int, int] = RED, size: tuple[int, int] = (60, 40), kind: str = "PNG"
) -> bytes:
    """A file of one colour."""
    return encoded(Image.new("RGB", size, colour), kind)


def numbered(number: int, kind: str = "PNG") -> bytes:
    """A small file that differs for every number below 16 million."""
    colour = (number >> 16 & 255, number >> 8 & 255, number & 255)
    return plain(colour, (8, 8), kind)


def noise(rng: np.random.Generator, width: int = 48, height: int = 32) -> Image.Image:
    """A picture that compresses badly, so that every byte of its file matters."""
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


def corners(width: int = 64, height: int = 32) -> Image.Image:
    """A picture whose four quarters are red, green (above), blue and yellow (below)."""
    picture = Image.new("RGB", (width, height))
    half_width, half_height = width // 2, height // 2
    picture.paste(RED, (0, 0, half_width, half_height))
    picture.paste(GREEN, (half_width, 0, width, half_height))
    picture.paste(BLUE, (0, half_height, half_width, height))
    picture.paste(YELLOW, (half_width, half_height, width, height))
    return picture


def huge_png(width: int, height: int) -> bytes:
    """A PNG of a few bytes that declares this size; its pixel data are missing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(b"\0" * 64))
        + _chunk(b"IEND", b"")
    )


def many_framed_gif(frames: int) -> bytes:
    """A 1 × 1 GIF of this many frames, 14 bytes each."""
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return head + frame * frames + b"\x3b"


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
