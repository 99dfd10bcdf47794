"""The regions of a query and the embeddings of them: how they are asked for, and answered."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from kernel.task_messages.fields import (
    Box,
    Fields,
    JsonObject,
    MalformedMessage,
    boolean,
    box,
    integer,
    many,
    number,
    one_of,
    optional,
    text,
)
from kernel.task_messages.query import StoredQuery
from ml.rules.layout import Layout
from ml.rules.media import Medium
from ml.rules.regions import QueryKind, RegionKind

_KINDS: tuple[RegionKind, ...] = get_args(RegionKind)
_FLOAT_BYTES = 4


@dataclass(frozen=True, slots=True)
class ExtractQueryRequest:
    """Segment a query and extract its features: of all regions, or of one box alone.

    Attributes:
        query: the picture.
        box: x0, y0, x1, y1 in pixels of the upright picture; None is all regions.
        is_segmented: whether the regions are known from an earlier answer; then those of this one
            may be left out.
        is_compared: whether its copies are looked for next.
        panels: boxes where its panels are known to be, () where it is known to be a single picture;
            None where they have to be found.
    """

    query: StoredQuery
    box: Box | None
    is_segmented: bool = False
    is_compared: bool = False
    panels: tuple[Box, ...] | None = None

    def to_json(self) -> JsonObject:
        """Return the task's arguments."""
        return {
            **self.query.to_json(),
            "box": None if self.box is None else list(self.box),
            "is_segmented": self.is_segmented,
            "is_compared": self.is_compared,
            "panels": None if self.panels is None else [list(panel) for panel in self.panels],
        }

    @classmethod
    def from_json(cls, arguments: Mapping[str, object]) -> "ExtractQueryRequest":
        """Read the task's arguments; an earlier release says less of what it knows.

        Raises:
            MalformedMessage: one is missing or of another type.
        """
        unsaid = {"is_segmented": False, "is_compared": False, "panels": None}
        fields = Fields({**unsaid, **arguments})
        return cls(
            query=StoredQuery.from_json(arguments),
            box=fields.read("box", optional(box)),
            is_segmented=fields.read("is_segmented", boolean),
            is_compared=fields.read("is_compared", boolean),
            panels=fields.read("panels", optional(many(box))),
        )


@dataclass(frozen=True, slots=True)
class QueryRegion:
    """A region of a query.

    Attributes:
        kind: "box" is what a person chose, and is never in a message; the others are segmented.
        ordinal: its index, from 0, among those of its kind.
        box: x0, y0, x1, y1 in pixels of the upright picture, half-open.
        label: what an object is; "" for the others.
        confidence: 0..1.
    """

    kind: QueryKind
    ordinal: int
    box: Box
    label: str = ""
    confidence: float = 1.0

    def to_json(self) -> JsonObject:
        """Return one of an answer's `regions`."""
        return {**asdict(self), "box": list(self.box)}

    @classmethod
    def from_json(cls, value: object) -> "QueryRegion":
        """Read one of an answer's `regions`.

        Raises:
            MalformedMessage: it is none.
        """
        fields = Fields.of(value)
        return cls(
            kind=fields.read("kind", one_of(_KINDS)),
            ordinal=fields.read("ordinal", integer),
            box=fields.read("box", box),
            label=fields.read("label", text),
            confidence=fields.read("confidence", number),
        )


@dataclass(frozen=True, slots=True, eq=False)
class ExtractedQuery:
    """A query, segmented, and the embeddings of what is searched of it.

    Attributes:
        encoder_version: of which encoder the embeddings are.
        layout: whether the picture is a single one, or a collage, screenshot or comic of several.
        regions: all of them, the full image first.
        box: the one box that was asked for in their place; None is all regions.
        embeddings: (R, D) float32, unit rows, in the order of `searched`.
        are_plain: of each of `searched`, whether there is nothing to see in it.
        model_ms: how long decoding and the models took.
        medium: how the picture was made, where that could be told from it.
        middle: (D,) float32, unit, of the middle of the first of `searched`; None is not known.
    """

    encoder_version: int
    layout: Layout
    regions: tuple[QueryRegion, ...]
    box: Box | None
    embeddings: NDArray[np.float32]
    are_plain: tuple[bool, ...]
    model_ms: float
    medium: Medium = Medium.UNKNOWN
    middle: NDArray[np.float32] | None = None

    @property
    def searched(self) -> tuple[QueryRegion, ...]:
        """The regions that have an embedding, one each: all, or the box alone."""
        return self.regions if self.box is None else (QueryRegion("box", 0, self.box),)

    def to_json(self) -> JsonObject:
        """Return the answer of the task; embeddings as base64 of little-endian float32.

        The box is not in it: who asked for it knows it.
        """
        return {
            "encoder_version": self.encoder_version,
            "layout": self.layout.value,
            "regions": [region.to_json() for region in self.regions],
            "embeddings": embeddings_to_json(self.embeddings),
            "are_plain": list(self.are_plain),
            "model_ms": self.model_ms,
            "medium": self.medium.value,
            "middle": None if self.middle is None else embeddings_to_json(self.middle),
        }

    @classmethod
    def from_json(cls, answer: object, *, box: Box | None) -> "ExtractedQuery":
        """Read the answer of the task; an earlier release knows nothing plain, medium or middle.

        Args:
            answer: what the task returned.
            box: the box that was asked for, or None.

        Raises:
            MalformedMessage: a field is missing or of another type, or the embeddings do
                not fit the regions.
        """
        fields = Fields({"medium": Medium.UNKNOWN.value, **Fields.of(answer).values})
        regions = fields.read("regions", many(QueryRegion.from_json))
        rows = len(regions) if box is None else 1
        embeddings = fields.read("embeddings", lambda value: embeddings_from_json(value, rows=rows))
        are_plain = (False,) * rows
        if "are_plain" in fields.values:
            are_plain = fields.read("are_plain", many(boolean, count=rows))
        middle = None
        if "middle" in fields.values:
            middle = fields.read("middle", optional(partial(embeddings_from_json, rows=1)))
        if middle is not None and middle.shape[1] != embeddings.shape[1]:
            raise MalformedMessage("the middle is of another length than the embeddings")
        return cls(
            encoder_version=fields.read("encoder_version", integer),
            layout=Layout(fields.read("layout", one_of(tuple(Layout)))),
            regions=regions,
            box=box,
            embeddings=embeddings,
            are_plain=are_plain,
            model_ms=fields.read("model_ms", number),
            medium=Medium(fields.read("medium", one_of(tuple(Medium)))),
            middle=None if middle is None else middle[0],
        )


def embeddings_to_json(embeddings: NDArray[np.float32]) -> str:
    """Return embeddings as they cross the wire: base64 of little-endian float32."""
    return base64.b64encode(embeddings.astype("<f4").tobytes()).decode()


def embeddings_from_json(value: object, *, rows: int) -> NDArray[np.float32]:
    """Read (rows, D) float32, D at least 1, from base64 of little-endian float32.

    Raises:
        MalformedMessage: it is none, or does not fit so many rows.
    """
    try:
        data = base64.b64decode(text(value), validate=True)
    except (binascii.Error, ValueError):
        raise MalformedMessage("base64 is expected") from None
    if rows == 0 or not data or len(data) % (rows * _FLOAT_BYTES):
        raise MalformedMessage(f"{len(data)} bytes do not fit {rows} regions")
    return np.frombuffer(data, dtype="<f4").reshape(rows, -1)
