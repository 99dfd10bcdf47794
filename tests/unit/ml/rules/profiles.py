"""ICC profiles that tests write: matrices of primaries with one power curve, and greys."""

import struct
from collections.abc import Sequence

# XYZ of red, green and blue under D50. Source: Lindbloom, "RGB Working Space Information".
PROPHOTO = ((0.7977, 0.2880, 0.0), (0.1352, 0.7119, 0.0), (0.0313, 0.0001, 0.8249))
ADOBE = ((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446))
SRGB = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))


def rgb_profile(primaries: Sequence[Sequence[float]], gamma: float) -> bytes:
    """A profile of numbers in RGB. Source: ICC.1:2001-04, 6.3.1.2."""
    curve = b"curv" + struct.pack(">IIHH", 0, 1, round(gamma * 256), 0)
    colours = dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(_xyz, primaries), strict=True))
    return _profile(b"RGB ", colours | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve))


def grey_profile(gamma: float) -> bytes:
    """A profile of numbers in grey. Source: ICC.1:2001-04, 6.3.1.1."""
    return _profile(b"GRAY", {b"kTRC": b"curv" + struct.pack(">IIHH", 0, 1, round(gamma * 256), 0)})


def cmyk_profile() -> bytes:
    """A profile of inks whose lightness is what black ink leaves; the other inks change nothing.

    Source: ICC.1:2001-04, 6.5.7, lut8Type: two values an ink, the last ink varying fastest.
    """
    matrix = struct.pack(">9i", *(65536 * (number % 4 == 0) for number in range(9)))
    table = b"".join(bytes([0 if inks & 1 else 255, 128, 128]) for inks in range(16))
    ramp = bytes(range(256))
    lut = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix + ramp * 4 + table + ramp * 3
    return _profile(b"CMYK", {b"A2B0": lut}, connection=b"Lab ")


def _xyz(values: Sequence[float]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def _profile(space: bytes, tags: dict[bytes, bytes], connection: bytes = b"XYZ ") -> bytes:
    tags = {
        b"desc": b"desc" + struct.pack(">II", 0, 5) + b"made\0" + bytes(79),
        b"cprt": b"text\0\0\0\0none\0\0\0\0",
        b"wtpt": _xyz((0.9642, 1.0, 0.8249)),
        **tags,
    }
    start, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, value in tags.items():
        table += name + struct.pack(">II", start + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    head = struct.pack(">I4xI", start + len(body), 0x02100000) + b"mntr" + space + connection
    head += bytes(12) + b"acsp" + bytes(28) + _xyz((0.9642, 1.0, 0.8249))[8:]
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body
