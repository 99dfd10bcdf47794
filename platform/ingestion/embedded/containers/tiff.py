"""TIFF: tags of its first page; EXIF is the file itself.

Source: XMP, part 3, 1.1.6 and 3.3.
"""

from array import array

from ingestion.embedded.iim import DATASET_MARKER, read_resources
from ingestion.embedded.problems import BROKEN_EXIF, BROKEN_IIM, BROKEN_XMP
from ingestion.embedded.records import Records
from ml.rules.tiff_directories import TiffTag, read_directories

_WORD_BYTES = 4


def read_tiff(data: bytes) -> Records:
    """Return the records of a TIFF's first page."""
    directories = read_directories(data, limit=1)
    if not directories:
        return Records(problems=(BROKEN_EXIF,))
    problems: list[str] = []

    def content(tag: TiffTag, problem: str) -> bytes:
        try:
            return directories[0].content(tag)
        except ValueError:
            problems.append(problem)
            return b""

    resources = read_resources(content(TiffTag.PHOTOSHOP, BROKEN_IIM))
    if resources.is_broken:
        problems.append(BROKEN_IIM)
    return Records(
        xmp=content(TiffTag.XMP, BROKEN_XMP),
        iim=_in_order(content(TiffTag.IIM, BROKEN_IIM)) or resources.iim,
        iim_digest=resources.digest,
        exif=data,
        problems=tuple(problems),
    )


def _in_order(block: bytes) -> bytes:
    """Return a block of IIM whose bytes some writers turned round, since its type is a number's."""
    if block[:1] == DATASET_MARKER or block[3:4] != DATASET_MARKER:
        return block
    words = array("I", block[: len(block) // _WORD_BYTES * _WORD_BYTES])
    words.byteswap()
    return words.tobytes()
