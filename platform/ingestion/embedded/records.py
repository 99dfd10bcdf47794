"""The records of metadata that a picture file carries, as bytes, whatever its format."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Records:
    """What was found in a file; a record is empty where there is none.

    Attributes:
        xmp: a packet.
        xmp_extensions: contents of a JPEG's segments that continue the packet.
        iim: a block of datasets.
        iim_digest: MD5 of the block that the XMP was written beside.
        exif: a TIFF's structure, which begins with its byte order.
        texts: a PNG's remarks, by their keywords.
        problems: codes of what is damaged around the records.
    """

    xmp: bytes = b""
    xmp_extensions: tuple[bytes, ...] = ()
    iim: bytes = b""
    iim_digest: bytes = b""
    exif: bytes = b""
    texts: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def without_exif_mark(content: bytes) -> bytes:
    """Return EXIF without the mark that JPEG has before it, and some writers elsewhere."""
    return content.removeprefix(b"Exif\0\0")
