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


@dataclass(frozen=True, slots=True, eq=False)
class KeptQuery:
    """A query that was extracted before, all of it or one box."""

    picture: QueryPicture
    extracted: ExtractedQuery

    def to_json(self) -> JsonObject:
        """Return what is kept; the box is in the file's name."""
        picture = self.picture
        return {
            "sha256": picture.sha256,
            "width": picture.width,
            "height": picture.height,
            "extracted": self.extracted.to_json(),
        }

    @classmethod
    def from_json(cls, value: object, *, box: Box | None) -> "KeptQuery":
        """Read what is kept.

        Raises:
            MalformedMessage: another release wrote it, or it is damaged.
        """
        fields = Fields.of(value)
        picture = QueryPicture(
            sha256=fields.read("sha256", text),
            width=fields.read("width", integer),
            height=fields.read("height", integer),
        )
        return cls(picture, fields.read("extracted", partial(ExtractedQuery.from_json, box=box)))


def write(query_id: UUID, kept: KeptQuery) -> None:
    """Keep a query; where the storage is away, the models run again the next time."""
    data = json.dumps(kept.to_json()).encode()
    with suppress(TransientError):
        query_files.write_extracted(query_id, kept.extracted.box, data)


def read(query_id: UUID, box: Box | None) -> KeptQuery | None:
    """Return what is kept of a query, or of one box of it; None where the models have to run.

    A box that is one of the query's regions was extracted with them. Embeddings may be of an
    earlier encoder version: who reads them looks at that.
    """
    kept = _read(query_id, box)
    if kept is not None or box is None:
        return kept
    full = _read(query_id, None)
    return None if full is None else _of_region(full, box)


def _read(query_id: UUID, box: Box | None) -> KeptQuery | None:
    try:
        return KeptQuery.from_json(json.loads(query_files.read_extracted(query_id, box)), box=box)
    except (FileMissing, TransientError):
        return None
    except (MalformedMessage, ValueError):
        logger.warning("a kept query cannot be read", extra={"query_id": str(query_id)})
        return None


def _of_region(full: KeptQuery, box: Box) -> KeptQuery | None:
    extracted = full.extracted
    for index, region in enumerate(extracted.regions):
        if region.box == box:
            one = slice(index, index + 1)
            embeddings, are_plain = extracted.embeddings[one], extracted.are_plain[one]
            alone = replace(extracted, box=box, embeddings=embeddings, are_plain=are_plain)
            return replace(full, extracted=alone)
    return None
