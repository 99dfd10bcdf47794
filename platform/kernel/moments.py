"""Days and moments as people state them: ISO 8601, without a zone where none is known."""

import re
from datetime import datetime

_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,6})?)?([+-]\d\d:\d\d|Z)?)?", re.ASCII
)


def is_moment(text: str) -> bool:
    """Whether a text is a day of the calendar, or a moment of one, as 2024-05-31T12:00:00+02:00."""
    if not _MOMENT.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
