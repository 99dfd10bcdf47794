"""Dates as EXIF, IIM and XMP write them."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

# "2024-05-01T10:20:30.25+02:00" and its shorter forms; EXIF has colons between the parts of a day.
_DATE = re.compile(
    r"(?P<year>\d{4})(?:[-:/.](?P<month>\d\d)(?:[-:/.](?P<day>\d\d)"
    r"(?:[T ]+(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?"
    r"\s*(?P<zone>Z|[+-]\d\d:?\d\d)?)?)?)?",
    re.ASCII,
)
_NOTHING = re.compile(r"[0\s:/.T+Z-]*", re.ASCII)
_IIM_DAY = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)", re.ASCII)
_IIM_TIME = re.compile(r"(\d\d):?(\d\d):?(\d\d)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
_ZONE = re.compile(r"[+-]\d\d:\d\d", re.ASCII)
# The years before and after these have moments that other zones cannot express.
_MIN_YEAR, _MAX_YEAR = 2, 9998
_PADDING = " \0\t\r\n"


@dataclass(frozen=True, slots=True)
class StatedDate:
    """A date that a record states.

    Attributes:
        moment: None where it names no day, as "1923" of an old photo does. Without a zone where
            it names none.
    """

    moment: datetime | None


def read_date(text: str) -> StatedDate | None:
    """Return a date of XMP; None where it says nothing: no letters, or zeros alone.

    Raises:
        ValueError: it says something that is no date.
    """
    text = text.strip(_PADDING)
    if _NOTHING.fullmatch(text):
        return None
    found = _matched(_DATE, text)
    names = ("year", "month", "day", "hour", "minute", "second")
    year, month, day, hour, minute, second = (int(found[name] or 0) for name in names)
    if not _MIN_YEAR <= year <= _MAX_YEAR:
        raise ValueError("a year of no calendar")
    if not month or not day:
        return StatedDate(None)
    microsecond = int((found["fraction"] or "").ljust(6, "0")[:6])
    zone = _zone(found["zone"] or "")
    return StatedDate(datetime(year, month, day, hour, minute, second, microsecond, zone))


def read_exif_date(original: str, *, offset: str, fraction: str) -> StatedDate | None:
    """Return the date of DateTimeOriginal, OffsetTimeOriginal and SubSecTimeOriginal.

    Raises:
        ValueError: it is no date.
    """
    original, offset, fraction = (each.strip(_PADDING) for each in (original, offset, fraction))
    if _NOTHING.fullmatch(original):
        return None
    if fraction.isascii() and fraction.isdigit():
        original += f".{fraction}"
    return read_date(original + (offset if _ZONE.fullmatch(offset) else ""))


def read_iim_date(day: str, *, time: str) -> StatedDate | None:
    """Return the date of datasets 2:55 (CCYYMMDD) and 2:60 (HHMMSS±HHMM).

    Raises:
        ValueError: it is no date.
    """
    day, time = day.strip(_PADDING), time.strip(_PADDING)
    if _NOTHING.fullmatch(day):
        return None
    text = "-".join(_matched(_IIM_DAY, day).groups())
    if time:
        hour, minute, second, zone = _matched(_IIM_TIME, time).groups()
        text += f"T{hour}:{minute}:{second or '00'}{zone or ''}"
    return read_date(text)


def _matched(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    found = pattern.fullmatch(text)
    if found is None:
        raise ValueError("no date")
    return found


def _zone(text: str) -> timezone | None:
    if text in ("", "Z"):
        return UTC if text else None
    digits = text[1:].replace(":", "")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))
