"""What is known of a query since it was first asked: asking again runs no model.

It lies beside the query's picture and expires with it (`query_files`).
"""

import json
import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from uuid import UUID

from kernel.errors import FileMissing, TransientError
from kernel.task_messages import Box, ExtractedQuery, JsonObject, MalformedMessage
from kernel.task_messages.fields import Fields, integer, text
from search import query_files

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class QueryPicture:
    """A query's picture as a search needs it; width and height are those of it upright."""

    sha256: str
    width: int
    height: int

    def to_json(self) -> JsonObject:
        """Return what is kept."""
        return {"sha256": self.sha256, "width": self.width, "height": self.height}

    @classmethod
    def from_json(cls, value: object) -> "QueryPicture":
        """Read what is kept.

        Raises:
            MalformedMessage: another release wrote it, or it is damaged.
        """
        fields = Fields.of(value)
        return cls(
            sha256=fields.read("sha256", text),
            width=fields.read("width", integer),
            height=fields.read("height", integer),
        )


@dataclass(frozen=True, slots=True, eq=False)
class KeptQuery:
    """A query that was extracted before, all of it or one box."""

    picture: QueryPicture
    extracted: ExtractedQuery

    def to_json(self) -> JsonObject:
        """Return what is kept; the box is in the file's name."""
        return {**self.picture.to_json(), "extracted": self.extracted.to_json()}

    @classmethod
    def from_json(cls, value: object, *, box: Box | None) -> "KeptQuery":
        """Read what is kept.

        Raises:
            MalformedMessage: another release wrote it, or it is damaged.
        """
        picture = QueryPicture.from_json(value)
        extracted = Fields.of(value).read("extracted", partial(ExtractedQuery.from_json, box=box))
        return cls(picture, extracted)


def write_facts(query_id: UUID, facts: QueryPicture) -> None:
    """Keep what is known of a picture; where the storage is away, it is decoded again."""
    with suppress(TransientError):
        query_files.write_facts(query_id, json.dumps(facts.to_json()).encode())


def read_facts(query_id: UUID) -> QueryPicture | None:
    """Return what is known of a kept query's picture; None where it has to be decoded."""
    try:
        return QueryPicture.from_json(json.loads(query_files.read_facts(query_id)))
    except (FileMissing, TransientError):
        return None
    except (MalformedMessage, ValueError):
        logger.warning("a query's facts cannot be read", extra={"query_id": str(query_id)})
        return None


def write(key: str, kept: KeptQuery) -> None:
    """Keep a query; where the storage is away, the models run again the next time."""
    data = json.dumps(kept.to_json()).encode()
    with suppress(TransientError):
        query_files.write_extracted(key, kept.extracted.box, data)


def read(key: str, box: Box | None) -> KeptQuery | None:
    """Return what is kept of a query, or of one box of it; None where the models have to run.

    A box that is one of the query's regions was extracted with them. Embeddings may be of an
    earlier encoder version: who reads them looks at that.
    """
    kept = _read(key, box)
    if kept is not None or box is None:
        return kept
    full = _read(key, None)
    return None if full is None else _of_region(full, box)


def _read(key: str, box: Box | None) -> KeptQuery | None:
    try:
        return KeptQuery.from_json(json.loads(query_files.read_extracted(key, box)), box=box)
    except (FileMissing, TransientError):
        return None
    except (MalformedMessage, ValueError):
        logger.warning("a kept query cannot be read", extra={"key": key})
        return None


def _of_region(full: KeptQuery, box: Box) -> KeptQuery | None:
    extracted = full.extracted
    for index, region in enumerate(extracted.regions):
        if region.box == box:
            one = slice(index, index + 1)
            embeddings, are_plain = extracted.embeddings[one], extracted.are_plain[one]
            alone = replace(extracted, box=box, embeddings=embeddings, are_plain=are_plain)
            if index > 0:  # the middle is that of the full image
                alone = replace(alone, middle=None)
            return replace(full, extracted=alone)
    return None
