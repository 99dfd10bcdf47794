"""A region of a query and a region of an image, compared because a person asks why."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

from kernel.task_messages.fields import (
    Box,
    Fields,
    JsonObject,
    MalformedMessage,
    box,
    integer,
    many,
    number,
    optional,
    text,
)
from kernel.task_messages.query import StoredQuery

# Cells of a grid, along either side.
MAX_SIDE = 16


@dataclass(frozen=True, slots=True)
class CompareRegionsRequest:
    """Compare one region of a query with one of an image.

    Attributes:
        query: the picture.
        box: the region of it.
        region_id: the row of the image's.
        encoder_version: that has to look at both.
        timeout_s: after so long nobody waits for the answer any more.
    """

    query: StoredQuery
    box: Box
    region_id: int
    encoder_version: int
    timeout_s: float

    def to_json(self) -> JsonObject:
        """Return the task's arguments."""
        return {
            **self.query.to_json(),
            "box": list(self.box),
            "region_id": self.region_id,
            "encoder_version": self.encoder_version,
            "within_s": self.timeout_s,
        }

    @classmethod
    def from_json(cls, arguments: Mapping[str, object]) -> "CompareRegionsRequest":
        """Read the task's arguments.

        Raises:
            MalformedMessage: one is missing or of another type.
        """
        fields = Fields(arguments)
        return cls(
            query=StoredQuery.from_json(arguments),
            box=fields.read("box", box),
            region_id=fields.read("region_id", integer),
            encoder_version=fields.read("encoder_version", integer),
            timeout_s=fields.read("within_s", number),
        )


@dataclass(frozen=True, slots=True)
class CellGrid:
    """A grid over a picture: how many rows and columns, and where it lies, in pixels."""

    rows: int
    columns: int
    box: tuple[float, float, float, float]

    def to_json(self) -> JsonObject:
        """Return one of an answer's grids."""
        return {"rows": self.rows, "columns": self.columns, "box": list(self.box)}

    @classmethod
    def from_json(cls, value: object) -> "CellGrid":
        """Read one of an answer's grids.

        Raises:
            MalformedMessage: it is none, or too large.
        """
        fields = Fields.of(value)
        rows, columns = fields.read("rows", integer), fields.read("columns", integer)
        if not (0 < rows <= MAX_SIDE and 0 < columns <= MAX_SIDE):
            raise MalformedMessage(f"a grid of {rows} × {columns} cells")
        x0, y0, x1, y1 = fields.read("box", many(number, count=4))
        return cls(rows, columns, (x0, y0, x1, y1))

    @property
    def cells(self) -> int:
        """How many there are."""
        return self.rows * self.columns


@dataclass(frozen=True, slots=True)
class AlikeCells:
    """How alike each cell of the query's region is to each of the image's.

    Attributes:
        query: the grid over the query, in pixels of it upright.
        image: the grid over the image, in pixels of the upright original.
        likeness: a byte a pair, 0..255: first of the query's first cell with each of the image's;
            cells go row by row.
    """

    query: CellGrid
    image: CellGrid
    likeness: bytes

    def to_json(self) -> JsonObject:
        """Return the answer's `cells`."""
        return {
            "query": self.query.to_json(),
            "image": self.image.to_json(),
            "likeness": base64.b64encode(self.likeness).decode(),
        }

    @classmethod
    def from_json(cls, value: object) -> "AlikeCells":
        """Read the answer's `cells`.

        Raises:
            MalformedMessage: they are none, or another number than the grids have.
        """
        fields = Fields.of(value)
        query, image = (fields.read(name, CellGrid.from_json) for name in ("query", "image"))
        try:
            likeness = base64.b64decode(fields.read("likeness", text), validate=True)
        except (binascii.Error, ValueError) as error:
            raise MalformedMessage("likeness: not base64") from error
        if len(likeness) != query.cells * image.cells:
            raise MalformedMessage(f"likeness: {len(likeness)} pairs of cells")
        return cls(query, image, likeness)


@dataclass(frozen=True, slots=True)
class ComparedRegions:
    """What is known of a pair of regions beyond its verdict.

    Attributes:
        points: local features that agree about how one lies on the other.
        points_needed: so many are needed at least before anything is proved.
        cells: where the encoder finds them alike; None where it cannot tell.
        model_ms: how long it took.
    """

    points: int
    points_needed: int
    cells: AlikeCells | None
    model_ms: float

    def to_json(self) -> JsonObject:
        """Return the answer of the task."""
        return {
            "points": self.points,
            "points_needed": self.points_needed,
            "cells": None if self.cells is None else self.cells.to_json(),
            "model_ms": self.model_ms,
        }

    @classmethod
    def from_json(cls, answer: object) -> "ComparedRegions":
        """Read the answer of the task.

        Raises:
            MalformedMessage: a field is missing or of another type.
        """
        fields = Fields.of(answer)
        return cls(
            points=fields.read("points", integer),
            points_needed=fields.read("points_needed", integer),
            cells=fields.read("cells", optional(AlikeCells.from_json)),
            model_ms=fields.read("model_ms", number),
        )
