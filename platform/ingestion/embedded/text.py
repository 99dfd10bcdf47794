"""From the bytes of a record to text that SQL, XML and a page take."""

import re
from codecs import getincrementaldecoder
from dataclasses import dataclass

# Of one value, in bytes or letters: more than any column takes, four bytes a letter.
MAX_RAW_LENGTH = 20_000
# What neither PostgreSQL nor XML takes, and what would steer a terminal. Tabs and new lines stay.
_CONTROL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class CleanText:
    """Text that may be stored, and whether it was longer."""

    text: str
    is_cut: bool


def decoded(value: bytes) -> str:
    """Return a value's text: UTF-8 where it is that, else Latin-1 as Windows writes it.

    Records that name a charset name it wrongly as often as not, and text of any length that decodes
    as UTF-8 by chance is rare. A value whose last letter was cut in two, as fields of a fixed
    length have it, is UTF-8 if it has other letters beyond ASCII.
    """
    value = value[:MAX_RAW_LENGTH]
    try:
        text = getincrementaldecoder("utf-8")().decode(value)
    except UnicodeDecodeError:
        text = ""
    is_whole = len(text.encode()) == len(value)
    if is_whole or not text.isascii():
        return text
    return value.decode("cp1252", "ignore")


def cleaned(text: str, *, max_length: int, has_lines: bool = False) -> CleanText:
    """Return text without control characters and cut to a length, in letters.

    Markup stays what it is, text: whoever shows it escapes it.

    Args:
        text: what a record holds.
        max_length: of what is stored.
        has_lines: whether new lines are kept; else all white space becomes single spaces.
    """
    text = text[:MAX_RAW_LENGTH].replace("\r\n", "\n").replace("\r", "\n")
    text = _CONTROL.sub("", text)
    text = text.strip() if has_lines else " ".join(text.split())
    return CleanText(text[:max_length].rstrip(), is_cut=len(text) > max_length)
