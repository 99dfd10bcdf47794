"""TIFFs that tests write themselves, by tifffile or byte by byte where it writes none such."""

import io
import struct
from collections.abc import Sequence

import numpy as np
import tifffile


def tiff(values: np.ndarray, **options: object) -> bytes:
    """An array as tifffile writes it."""
    out = io.BytesIO()
    tifffile.imwrite(out, values, **options)
    return out.getvalue()


def paged_tiff(pages: Sequence[np.ndarray], options: Sequence[dict[str, object]] = ()) -> bytes:
    """Pages of RGB, with options of tifffile for each."""
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        for number, page in enumerate(pages):
            more = options[number] if options else {}
            writer.write(page, photometric="rgb", metadata=None, **more)
    return out.getvalue()


def raw_tiff(
    size: tuple[int, int],
    data: bytes,
    *,
    bits: tuple[int, ...] = (8,),
    photometric: int = 1,
    compression: int = 1,
    tags: Sequence[tuple[int, int, Sequence[int]]] = (),
    order: str = "<",
) -> bytes:
    """A TIFF of one strip. `tags`: further ones, as number, type (3 short, 4 long) and values.

    Source: TIFF 6.0, section 2. A tag that is given replaces the one that is written otherwise.
    """
    given = {tag: (kind, values) for tag, kind, values in tags}
    fields = {
        256: (4, [size[0]]),
        257: (4, [size[1]]),
        258: (3, bits),
        259: (3, [compression]),
        262: (3, [photometric]),
        273: (4, [0]),
        277: (3, [len(bits)]),
        278: (4, [size[1]]),
        279: (4, [len(data)]),
        **given,
    }
    start = 8 + 2 + 12 * len(fields) + 4
    pixels = start + sum(_bytes_outside(*field) for field in fields.values())
    fields[273] = tuple(given[273]) if 273 in given else (4, [pixels])
    outside, entries = b"", b""
    for tag, (kind, values) in sorted(fields.items()):
        letter = {3: "H", 4: "I"}[kind]
        field = struct.pack(f"{order}{len(values)}{letter}", *values)
        if len(field) > 4:
            field, outside = struct.pack(order + "I", start + len(outside)), outside + field
        head = struct.pack(order + "HHI", tag, kind, len(values))
        entries += head + field.ljust(4, b"\0")
    mark = b"II*\0" if order == "<" else b"MM\0*"
    table = struct.pack(order + "IH", 8, len(fields)) + entries + bytes(4)
    return mark + table + outside + data


def _bytes_outside(kind: int, values: Sequence[int]) -> int:
    size = {3: 2, 4: 4}[kind] * len(values)
    return size if size > 4 else 0


def packed(samples: np.ndarray, bits: int) -> bytes:
    """Grey values (height, width) of any number of bits; each row begins with a whole byte."""
    each = (samples[..., None] >> np.arange(bits - 1, -1, -1) & 1).astype(np.uint8)
    return np.packbits(each.reshape(len(samples), -1), axis=1).tobytes()
