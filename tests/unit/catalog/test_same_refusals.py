"""Whatever the workers' decoding refuses, validation at the door refuses with the same code.

And the other way round; and what both take has the same size.
"""

import io
import random
import struct
import zlib
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from catalog.validation import preview, validate
from kernel.errors import UserInputError
from tests.pictures import encoded, many_framed_gif, noise
from tests.tiffs import paged_tiff, raw_tiff, tiff
from workers import pictures
from workers.pictures import decode_picture

COLOURS = noise(np.random.default_rng(3))
SOFT = COLOURS.resize((6, 4)).resize((120, 90))
INDEXED = COLOURS.quantize(16)


def verdict(data: bytes) -> tuple[str, str, str]:
    """What the door, the preview and a worker say: a code, or a size."""
    width, height, size = 64, 48, "shown"
    try:
        taken = validate(data)
    except UserInputError as refused:
        door = refused.code
    else:
        width, height = taken.width, taken.height
        door = size = f"{width} × {height}"
    try:
        preview(data, side_px=50)
    except UserInputError as refused:
        shown = refused.code
    else:
        shown = size
    try:
        seen = decode_picture(data, width=width, height=height)
    except UserInputError as refused:
        worker = refused.code
    else:
        worker = f"{seen.bounds.x1} × {seen.bounds.y1}"
    return door, shown, worker


def mpo() -> bytes:
    out = io.BytesIO()
    SOFT.save(out, "MPO", save_all=True, append_images=[SOFT])
    return out.getvalue()


FILES = {
    "png": encoded(COLOURS),
    "png-palette": encoded(INDEXED),
    "png-palette-transparent": encoded(INDEXED, transparency=3),
    "png-grey": encoded(COLOURS.convert("LA")),
    "png-moves": encoded(COLOURS, save_all=True, append_images=[SOFT.resize(COLOURS.size)]),
    "jpeg": encoded(SOFT, "JPEG"),
    "jpeg-progressive": encoded(SOFT, "JPEG", progressive=True),
    "jpeg-inks": encoded(SOFT.convert("CMYK"), "JPEG"),
    "mpo": mpo(),
    "gif": encoded(INDEXED, "GIF", save_all=True, append_images=[COLOURS.quantize(8)]),
    "webp": encoded(SOFT, "WEBP"),
    "webp-moves": encoded(COLOURS, "WEBP", save_all=True, append_images=[COLOURS.rotate(180)]),
    "bmp": encoded(COLOURS, "BMP"),
    "bmp-palette": encoded(INDEXED, "BMP"),
    "tiff": encoded(COLOURS, "TIFF"),
    "tiff-palette": encoded(INDEXED, "TIFF"),
    "tiff-lzw": encoded(COLOURS, "TIFF", compression="tiff_lzw"),
    "tiff-16": tiff(np.asarray(COLOURS).astype("u2") * 100, photometric="rgb"),
    "tiff-pages": paged_tiff([np.asarray(COLOURS), np.asarray(SOFT)]),
    "avif": encoded(SOFT, "AVIF"),
    "heic": encoded(SOFT, "HEIF"),
}


def parts(kind: str, data: bytes) -> Iterator[tuple[int, int]]:
    """Where the chunks, segments, boxes or tags of a file begin and end; their head is 8 bytes."""
    kind = kind.partition("-")[0]
    if kind == "tiff":
        (at,) = struct.unpack_from("<I", data, 4)
        (count,) = struct.unpack_from("<H", data, at)
        yield from ((at + 2 + 12 * tag, at + 14 + 12 * tag) for tag in range(count))
    length, more, at = {
        "png": (">I", 12, 8),
        "webp": ("<4xI", 8, 12),
        "jpeg": (">2xH", 2, 2),
        "mpo": (">2xH", 2, 2),
        "avif": (">I", 0, 0),
        "heic": (">I", 0, 0),
    }.get(kind, ("", 0, len(data)))
    while length and at + 8 <= len(data):
        end = at + more + struct.unpack_from(length, data, at)[0]
        if not at < end <= len(data):
            return
        yield at, end
        at = end


def with_checksums(png: bytes) -> bytes:
    """A PNG whose damage its checksums do not tell."""
    mended = bytearray(png)
    for start, end in parts("png", png):
        mended[end - 4 : end] = struct.pack(">I", zlib.crc32(png[start + 4 : end - 4]))
    return bytes(mended)


def damaged(kind: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """Variants of a file: a part is missing, there twice, or changed; bytes changed; cut short."""
    rng = random.Random(kind)  # noqa: S311 - no secret
    for start, end in parts(kind, data):
        name = f"{data[start : start + 8]!r} at {start}"
        yield f"without {name}", data[:start] + data[end:]
        yield f"twice {name}", data[:end] + data[start:]
        for value in (0, 255, rng.randrange(256)):
            at = rng.randrange(start + 2, end)
            yield f"{name}: {value} at {at}", with_byte(kind, data, at, value)
    for at in range(4, 40):
        yield f"a bit less at {at}", with_byte(kind, data, at, data[at] ^ 1)
        yield f"0 at {at}", with_byte(kind, data, at, 0)
    for share in (0.2, 0.45, 0.55, 0.9, 0.99):
        yield f"cut at {share}", data[: int(len(data) * share)]


def with_byte(kind: str, data: bytes, at: int, value: int) -> bytes:
    changed = data[:at] + bytes([value]) + data[at + 1 :]
    return with_checksums(changed) if kind.startswith("png") else changed


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of odd tags
@pytest.mark.parametrize("kind", FILES)
def test_the_door_and_the_worker_agree_on_damaged_files(kind: str, settings) -> None:
    settings.UPLOAD_MAX_PIXELS, settings.UPLOAD_MAX_FRAMES = 1_000_000, 20

    told = {what: verdict(data) for what, data in damaged(kind, FILES[kind])}

    assert {what: codes for what, codes in told.items() if len(set(codes)) > 1} == {}
    assert len({door for door, *_ in told.values()}) >= 2  # some are refused, some are not


@pytest.mark.parametrize("kind", ["jpeg", "jpeg-progressive", "jpeg-inks"])
def test_they_agree_where_the_worker_decodes_less_detail(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "MAX_DECODED_PIXELS", 60 * 45)
    data = FILES[kind]

    told = {share: verdict(data[: len(data) * share // 100]) for share in range(5, 100, 5)}

    assert {share: codes for share, codes in told.items() if len(set(codes)) > 1} == {}


def without_chunk(name: bytes, png: bytes) -> bytes:
    return b"".join(
        [png[:8], *(png[at:end] for at, end in parts("png", png) if png[at + 4 : at + 8] != name)]
    )


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(without_chunk(b"PLTE", FILES["png-palette"]), "broken", id="no-palette"),
        pytest.param(
            without_chunk(b"PLTE", FILES["png-palette-transparent"]), "broken", id="only-its-alpha"
        ),
        pytest.param(without_chunk(b"IHDR", FILES["png"]), "not-a-picture", id="no-header"),
        pytest.param(b"no picture at all", "not-a-picture", id="words"),
        pytest.param(many_framed_gif(1001), "too-many-frames", id="frames"),
        pytest.param(
            raw_tiff((8, 8), bytes(999), compression=34712), "unsupported-format", id="jpeg-2000"
        ),
        pytest.param(encoded(Image.new("1", (10_001, 10_001))), "too-many-pixels", id="pixels"),
    ],
)
def test_every_reason_to_refuse_is_told_alike(data: bytes, code: str) -> None:
    assert verdict(data) == (f"image:user:{code}",) * 3
