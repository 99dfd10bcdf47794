"""What is kept of a picture's metadata, and what a single record says."""

from dataclasses import dataclass
from datetime import datetime

from ingestion.embedded.dates import StatedDate


@dataclass(frozen=True, slots=True)
class EmbeddedMetadata:
    """What a picture says of itself; a field is empty where it says nothing.

    Coordinates, serial numbers, faces and histories of edits are never read, so that they cannot
    be kept. Texts are plain text, markup included, without control characters.

    Attributes:
        title: at most 300 letters, one line, as are creator, credit, licensor and keywords.
        description: the caption, at most 5,000 letters, with its lines.
        creator: at most 1,000 letters, as the following; several names are joined by "; ".
        credit: whom to name beside the picture.
        rights: the copyright notice.
        usage_terms: how the picture may be used.
        licensor: who sells or grants licences.
        keywords: at most 500, at most 100 letters each, in the record's order, each once.
        taken_at: when the picture was taken. It has a zone only where the record names one; else
            it is what a clock showed there, and must not be taken for UTC. A day without a time is
            its midnight, without a zone.
        problems: codes of what was left out, each once, with sentences in `kernel.messages`.
    """

    title: str = ""
    description: str = ""
    creator: str = ""
    credit: str = ""
    rights: str = ""
    usage_terms: str = ""
    licensor: str = ""
    keywords: tuple[str, ...] = ()
    taken_at: datetime | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """What one record says, as it stands there: not cleaned, not cut."""

    title: str = ""
    description: str = ""
    creator: str = ""
    credit: str = ""
    rights: str = ""
    usage_terms: str = ""
    licensor: str = ""
    keywords: tuple[str, ...] = ()
    date: StatedDate | None = None
    problems: tuple[str, ...] = ()
