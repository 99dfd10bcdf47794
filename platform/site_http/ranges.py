"""Parts of files, as RFC 9110 (section 14) has them asked for: one range of bytes, or the whole."""

import re
from dataclasses import dataclass

from django.http import HttpRequest

# Numbers that are longer name no byte of any file.
_RANGE = re.compile(r"bytes=\s*([0-9]{0,18})\s*-\s*([0-9]{0,18})\s*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes of a file, from the first to before the last: half-open."""

    start: int
    end: int

    def header(self, size: int) -> str:
        """Return the value of Content-Range, which counts the last byte in."""
        return f"bytes {self.start}-{self.end - 1}/{size}"


class RangeNotSatisfiable(ValueError):
    """No byte of the file is in what was asked for."""


def asked_range(request: HttpRequest, *, size: int, etag: str) -> ByteRange | None:
    """Return the part of a file that is asked for; None for the whole.

    Several ranges, other units and what cannot be read are answered by the whole, and so is a range
    of a file that has changed since the caller had the rest of it (If-Range).

    Args:
        request: what is answered.
        size: the file's bytes.
        etag: the file's strong validator.

    Raises:
        RangeNotSatisfiable: the answer is 416.
    """
    asked = _RANGE.fullmatch(request.headers.get("Range", ""))
    is_of_this = request.headers.get("If-Range", etag) == etag
    if request.method != "GET" or asked is None or not is_of_this:
        return None
    first, last = asked.groups()
    if not first and not last:
        return None
    if first and last and int(last) < int(first):
        return None
    start = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if start >= end:
        raise RangeNotSatisfiable
    return ByteRange(start, end)
