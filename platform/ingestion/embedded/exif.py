"""EXIF: what cameras write; of it only who, what, whose and when.

Source: Exif 2.32, 4.6.4 and 4.6.5. The directory of coordinates is never entered.
"""

import struct
from collections.abc import Mapping

from ingestion.embedded.dates import StatedDate, read_exif_date
from ingestion.embedded.metadata import Statement
from ingestion.embedded.problems import BROKEN_EXIF, UNCLEAR_DATE, RecordError
from ingestion.embedded.text import decoded
from ml.rules.tiff_directories import TiffDirectory, TiffTag, is_tiff, read_directories

_MAIN_TAGS = (TiffTag.IMAGE_DESCRIPTION, TiffTag.ARTIST, TiffTag.COPYRIGHT)
_CAMERA_TAGS = (
    TiffTag.DATE_TIME_ORIGINAL,
    TiffTag.OFFSET_TIME_ORIGINAL,
    TiffTag.SUBSEC_TIME_ORIGINAL,
)


def read_exif(data: bytes) -> Statement:
    """Return what EXIF, a TIFF's structure, says. Tags beyond its end are left out.

    Raises:
        RecordError: `BROKEN_EXIF`, there is no directory.
    """
    directories = read_directories(data, limit=1) if is_tiff(data) else []
    if not directories:
        raise RecordError(BROKEN_EXIF)
    problems: list[str] = []
    texts = _texts(directories[0], _MAIN_TAGS, problems)
    camera = _camera_directory(data, directories[0], problems)
    if camera is not None:
        texts |= _texts(camera, _CAMERA_TAGS, problems)
    return Statement(
        description=texts.get(TiffTag.IMAGE_DESCRIPTION, ""),
        creator=texts.get(TiffTag.ARTIST, ""),
        rights=texts.get(TiffTag.COPYRIGHT, ""),
        date=_date(texts, problems),
        problems=tuple(problems),
    )


def _camera_directory(
    data: bytes, main: TiffDirectory, problems: list[str]
) -> TiffDirectory | None:
    offset = main.number(TiffTag.EXIF, 0)
    if not offset:
        return None
    try:
        return TiffDirectory(data, offset)
    except (struct.error, OverflowError, ValueError):  # it lies beyond the end
        problems.append(BROKEN_EXIF)
        return None


def _texts(
    directory: TiffDirectory, tags: tuple[TiffTag, ...], problems: list[str]
) -> dict[TiffTag, str]:
    """Return the tags that say something. Two parties of a copyright stand behind each other."""
    texts = {}
    for tag in tags:
        try:
            parts = directory.content(tag).rstrip(b"\0").split(b"\0", 2)[:2]
        except ValueError:
            problems.append(BROKEN_EXIF)
            continue
        said = [decoded(part).strip() for part in parts]
        texts[tag] = "; ".join(filter(None, said if tag is TiffTag.COPYRIGHT else said[:1]))
    return texts


def _date(texts: Mapping[TiffTag, str], problems: list[str]) -> StatedDate | None:
    original, offset, fraction = (texts.get(tag, "") for tag in _CAMERA_TAGS)
    try:
        return read_exif_date(original, offset=offset, fraction=fraction)
    except ValueError:
        problems.append(UNCLEAR_DATE)
        return None
