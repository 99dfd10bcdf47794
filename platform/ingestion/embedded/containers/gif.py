"""GIF: an application extension with XMP.

Source: XMP, part 3, 1.1.2. The packet is no chain of blocks, as everything else in a GIF is:
readers that do not know it read its letters as lengths and land in the 256 bytes behind it, each of
which leads to the end.
"""

from ingestion.embedded.problems import BROKEN_XMP
from ingestion.embedded.records import Records

_START = b"\x21\xff\x0bXMP DataXMP"
_END = b"\x01\xff\xfe\xfd\xfc"


def is_gif(data: bytes) -> bool:
    """Return whether a file begins as a GIF."""
    return data[:6] in (b"GIF87a", b"GIF89a")


def read_gif(data: bytes) -> Records:
    """Return the packet of a GIF."""
    start = data.find(_START)
    if start < 0:
        return Records()
    start += len(_START)
    end = data.find(_END, start)
    return Records(xmp=data[start:end]) if end >= 0 else Records(problems=(BROKEN_XMP,))
