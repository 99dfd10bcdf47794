"""The copies of a query's regions: how they are asked for, and answered."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from kernel.task_messages.fields import (
    Box,
    Fields,
    JsonObject,
    MalformedMessage,
    Point,
    boolean,
    box,
    integer,
    many,
    number,
    optional,
    point,
    text,
)
from kernel.task_messages.query import StoredQuery
from ml.rules.hash_distance import HASH_BYTES

Outline = tuple[Point, Point, Point, Point]


@dataclass(frozen=True, slots=True)
class ComparedRegion:
    """A region of the query and the ids of the catalogue's regions that it is compared with."""

    box: Box
    region_ids: tuple[int, ...]

    def to_json(self) -> JsonObject:
        """Return one of the request's `parts`."""
        return {"box": list(self.box), "region_ids": list(self.region_ids)}

    @classmethod
    def from_json(cls, value: object) -> "ComparedRegion":
        """Read one of the request's `parts`.

        Raises:
            MalformedMessage: it is none.
        """
        fields = Fields.of(value)
        return cls(fields.read("box", box), fields.read("region_ids", many(integer)))


@dataclass(frozen=True, slots=True)
class FindCopiesRequest:
    """Prove copies of a query's regions, among candidates and among all hashes of the catalogue.

    Attributes:
        query: the picture.
        regions: what of it is looked for, and where.
        max_near_identical: the most regions that each is compared with because their hash is near.
        timeout_s: after so long nobody waits for the answer any more.
        hidden_albums: ids of albums whose images are not looked at.
    """

    query: StoredQuery
    regions: tuple[ComparedRegion, ...]
    max_near_identical: int
    timeout_s: float
    hidden_albums: tuple[int, ...] = ()

    def to_json(self) -> JsonObject:
        """Return the task's arguments."""
        return {
            **self.query.to_json(),
            "parts": [region.to_json() for region in self.regions],
            "most_near_identical": self.max_near_identical,
            "within_s": self.timeout_s,
            "hidden_albums": list(self.hidden_albums),
        }

    @classmethod
    def from_json(cls, arguments: Mapping[str, object]) -> "FindCopiesRequest":
        """Read the task's arguments.

        Raises:
            MalformedMessage: one is missing or of another type.
        """
        fields = Fields(arguments)
        return cls(
            query=StoredQuery.from_json(arguments),
            regions=fields.read("parts", many(ComparedRegion.from_json)),
            max_near_identical=fields.read("most_near_identical", integer),
            timeout_s=fields.read("within_s", number),
            hidden_albums=fields.read("hidden_albums", many(integer)),
        )


@dataclass(frozen=True, slots=True)
class Overlap:
    """How a region of a query lies in an image, as local features show.

    Attributes:
        inliers: features that agree.
        is_mirrored: whether left and right are exchanged.
        query_percent: how much of the query's region the image shows, 0..100.
        image_percent: how much of the image's region the query's region shows, 0..100.
    """

    inliers: int
    is_mirrored: bool
    query_percent: float
    image_percent: float

    @classmethod
    def from_json(cls, value: object) -> "Overlap":
        """Read the `overlap` of a copy.

        Raises:
            MalformedMessage: it is none.
        """
        fields = Fields.of(value)
        return cls(
            inliers=fields.read("inliers", integer),
            is_mirrored=fields.read("is_mirrored", boolean),
            query_percent=fields.read("query_percent", number),
            image_percent=fields.read("image_percent", number),
        )


@dataclass(frozen=True, slots=True)
class Copy:
    """Proof that a region of a query is a copy of an image's region, or shares its design.

    Attributes:
        region_id: the row of the image's region.
        is_near_identical: nothing differs but what saving again does.
        is_shared_design: it is no copy: a frame, a form or a thing is the same, the rest is not.
        bits: of 256, by which the hashes differ; None where one says too little.
        outline: where the corners of the query's region, clockwise from the upper left, lie in the
            upright image, in its pixels.
        overlap: None where only the hashes agree.
    """

    region_id: int
    is_near_identical: bool
    is_shared_design: bool
    bits: int | None
    outline: Outline
    overlap: Overlap | None

    def to_json(self) -> JsonObject:
        """Return one of an answer's `copies`."""
        return {**asdict(self), "outline": [list(corner) for corner in self.outline]}

    @classmethod
    def from_json(cls, value: object) -> "Copy":
        """Read one of an answer's `copies`; an earlier release knows no shared designs.

        Raises:
            MalformedMessage: it is none.
        """
        fields = Fields.of(value)
        is_shared_design = False
        if "is_shared_design" in fields.values:
            is_shared_design = fields.read("is_shared_design", boolean)
        first, second, third, fourth = fields.read("outline", many(point, count=4))
        return cls(
            region_id=fields.read("region_id", integer),
            is_near_identical=fields.read("is_near_identical", boolean),
            is_shared_design=is_shared_design,
            bits=fields.read("bits", optional(integer)),
            outline=(first, second, third, fourth),
            overlap=fields.read("overlap", optional(Overlap.from_json)),
        )


@dataclass(frozen=True, slots=True)
class RegionHash:
    """The PDQ hash of a region of a query.

    Attributes:
        pdq: `HASH_BYTES`.
        quality: 0..100, how much there is to hash.
    """

    pdq: bytes
    quality: int

    def to_json(self) -> JsonObject:
        """Return one of an answer's `hashes`; the bits as PDQ's hexadecimal form has them."""
        return {"pdq": self.pdq.hex(), "quality": self.quality}

    @classmethod
    def from_json(cls, value: object) -> "RegionHash":
        """Read one of an answer's `hashes`.

        Raises:
            MalformedMessage: it is none.
        """
        fields = Fields.of(value)
        written = fields.read("pdq", text)
        try:
            pdq = bytes.fromhex(written)
        except ValueError as error:
            raise MalformedMessage("pdq: not hexadecimal") from error
        if len(pdq) != HASH_BYTES:
            raise MalformedMessage(f"pdq: {len(pdq)} bytes")
        return cls(pdq, fields.read("quality", integer))


@dataclass(frozen=True, slots=True)
class FoundCopies:
    """The copies of each region that was asked for.

    Attributes:
        copies: for each region of the request, in its order, those of that region, in no order.
        are_checked: for each region, whether it was compared with all of its candidates before the
            time was over; those of `copies` are proved in any case.
        unchecked_ids: for each region, those of its candidates that it was not compared with.
        hashes: of each region; None where the time was over before it was known.
        model_ms: how long decoding and comparing took.
    """

    copies: tuple[tuple[Copy, ...], ...]
    are_checked: tuple[bool, ...]
    unchecked_ids: tuple[tuple[int, ...], ...]
    hashes: tuple[RegionHash | None, ...]
    model_ms: float

    def to_json(self) -> JsonObject:
        """Return the answer of the task."""
        copies = [[copy.to_json() for copy in each] for each in self.copies]
        return {
            "copies": copies,
            "checked": list(self.are_checked),
            "unchecked_ids": [list(ids) for ids in self.unchecked_ids],
            "hashes": [None if each is None else each.to_json() for each in self.hashes],
            "model_ms": self.model_ms,
        }

    @classmethod
    def from_json(cls, answer: object, *, regions: int) -> "FoundCopies":
        """Read the answer of the task; an earlier release says less.

        It checks all or none, and says no hash.

        Args:
            answer: what the task returned.
            regions: how many were asked for.

        Raises:
            MalformedMessage: a field is missing or of another type, or the answer is for
                another number of regions.
        """
        fields = Fields.of(answer)
        are_checked = (True,) * regions
        if "checked" in fields.values:
            are_checked = fields.read("checked", many(boolean, count=regions))
        unchecked_ids: tuple[tuple[int, ...], ...] = ((),) * regions
        if "unchecked_ids" in fields.values:
            unchecked_ids = fields.read("unchecked_ids", many(many(integer), count=regions))
        hashes: tuple[RegionHash | None, ...] = (None,) * regions
        if "hashes" in fields.values:
            hashes = fields.read("hashes", many(optional(RegionHash.from_json), count=regions))
        return cls(
            copies=fields.read("copies", many(many(Copy.from_json), count=regions)),
            are_checked=are_checked,
            unchecked_ids=unchecked_ids,
            hashes=hashes,
            model_ms=fields.read("model_ms", number),
        )
