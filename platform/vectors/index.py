"""The vector index as the rest of the project knows it: values and one protocol, no backend."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from ml.rules.regions import RegionKind


@dataclass(frozen=True, slots=True)
class CollectionSpec:
    """Names one collection and the size of its embeddings.

    The distance is always cosine, on unit vectors. ``replicas`` and ``shards`` are for a cluster:
    on how many nodes each vector lies, and in how many shards all of them; None is one shard a
    node. They count when the collection is made, and are never compared with what is there.
    """

    name: str
    dim: int
    replicas: int = 1
    shards: int | None = None


@dataclass(frozen=True, slots=True)
class Payload:
    """What is kept beside an embedding: ids and filter keys only, never anything to show.

    ``labels`` are those of all objects of the image, on each of its points: a filter for dogs then
    finds the picture by whichever region is most alike. ``folders`` are its folder in its source
    and all those above it.
    """

    image_id: UUID
    kind: RegionKind
    labels: tuple[str, ...]
    medium: str
    tags: tuple[str, ...]
    albums: tuple[str, ...]
    created_at: datetime  # aware; stored in UTC
    is_binned: bool = False  # or held
    owner: str = ""
    licence: str = ""
    folders: tuple[str, ...] = ()
    side: int | None = None  # the longer one, pixels; None where it is not known yet
    is_unsure: bool = False  # an object whose label is doubtful

    @property
    def editable(self) -> "EditablePayload":
        """The part of it that people change."""
        return EditablePayload(
            medium=self.medium,
            tags=self.tags,
            albums=self.albums,
            is_binned=self.is_binned,
            owner=self.owner,
            licence=self.licence,
            folders=self.folders,
        )


@dataclass(frozen=True, slots=True)
class EditablePayload:
    """The part of a payload that people change; the rest follows from the picture itself.

    No search finds the points of an image in the bin, or of one that is held.
    """

    medium: str
    tags: tuple[str, ...]
    albums: tuple[str, ...]
    is_binned: bool = False
    owner: str = ""
    licence: str = ""
    folders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PointFacts:
    """What follows from the picture itself and points of earlier releases lack.

    Conditions on it leave such points out: they find less, and nothing wrong.
    """

    side: int
    is_unsure: bool


@dataclass(frozen=True, slots=True)
class Point:
    """One region of one picture: its id, its embedding ((D,) float32, unit), its payload."""

    id: UUID
    embedding: NDArray[np.float32]
    payload: Payload


@dataclass(frozen=True, slots=True)
class Hit:
    """One point that a search found: its region's image and kind.

    ``score`` is the cosine, -1 to 1, greater is more similar.
    """

    point_id: UUID
    score: float
    image_id: UUID
    kind: RegionKind


@dataclass(frozen=True, slots=True)
class Where:
    """Conditions on payloads: values within a field are OR-ed, the fields are AND-ed.

    An empty field is no condition. ``point_ids`` are those of the points that may be found,
    ``not_image_ids`` leaves out the points of those images,
    ``not_mediums`` those of these mediums, and ``not_albums`` those of images in any of these
    albums. Sides and moments, which are aware, are inclusive, but for ``added_before``. Points of
    the bin are left out unless ``with_binned`` asks for them as well. Each other condition is a
    pass over all points.
    """

    kinds: tuple[RegionKind, ...] = ()
    labels: tuple[str, ...] = ()
    mediums: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    albums: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    added_from: datetime | None = None
    added_before: datetime | None = None
    min_side: int | None = None
    max_side: int | None = None
    point_ids: tuple[UUID, ...] = ()
    not_image_ids: tuple[UUID, ...] = ()
    not_albums: tuple[str, ...] = ()
    not_mediums: tuple[str, ...] = ()
    with_unsure: bool = True
    with_binned: bool = False


class VectorIndex(Protocol):
    """One collection of points that can be written, searched and listed.

    It copies what it is given, checks shapes and values, and turns every backend error into one
    of ``vectors.errors``. It knows ids, not database rows, and never encodes a picture.
    """

    @property
    def spec(self) -> CollectionSpec:
        """Return the name and dimension that this object was made for."""
        ...

    def ensure(self) -> None:
        """Create the collection and its payload indexes where they are missing.

        Raises:
            CollectionSpecMismatch: it exists with another dimension or distance.
            VectorStoreUnavailable: the store is away; retry.
        """
        ...

    def upsert(self, points: Sequence[Point]) -> None:
        """Write points, replacing those whose id exists; the last one of equal ids wins.

        When this returns, the points are searchable and survive a killed store process. No
        points is no request. Nothing is written when one of them is refused by our own checks.

        Raises:
            DimensionMismatch: an embedding is not (D,).
            InvalidEmbedding: an embedding holds NaN or infinity, or is (almost) zero.
            InvalidPayload: a ``created_at`` without a time zone.
            UnknownCollection: ``ensure`` was not called.
            VectorStoreUnavailable: the store is away; retrying the whole call is safe.
        """
        ...

    def delete(self, ids: Sequence[UUID]) -> None:
        """Remove points by id; ids that are not there are fine.

        Raises:
            UnknownCollection: ``ensure`` was not called.
            VectorStoreUnavailable: the store is away; retrying is safe.
        """
        ...

    def set_payload(self, image_ids: Sequence[UUID], payload: EditablePayload) -> None:
        """Have every point of these images carry this; all else of the points stays as it is.

        In bounded requests, some tens of milliseconds each in the embedded store. Images without
        points are fine, and no images are no request. When this returns, filters meet the new
        values, and they survive a killed store process.

        Raises:
            UnknownCollection: ``ensure`` was not called.
            VectorStoreUnavailable: the store is away; retrying the whole call is safe.
        """
        ...

    def set_facts(self, ids: Sequence[UUID], facts: PointFacts) -> None:
        """Have these points carry this; all else of them stays as it is, and so do other points.

        Ids without a point are fine, and none are no request.

        Raises:
            UnknownCollection: ``ensure`` was not called.
            VectorStoreUnavailable: the store is away; retrying the whole call is safe.
        """
        ...

    def search(
        self,
        queries: NDArray[np.float32],
        *,
        k: int,
        where: Where | None = None,
        timeout_s: float | None = None,
    ) -> list[list[Hit]]:
        """Return the nearest points of each query, in one request to the backend.

        Points of images in the bin are left out, whatever the conditions.

        Args:
            queries: (Q, D) float32, unit rows. Q = 0 gives ``[]``.
            k: hits wanted a query, at least 1.
            where: conditions that every hit meets.
            timeout_s: how long the backend may take, in whole seconds, at least one; None leaves
                it to the backend.

        Returns:
            Q lists of at most k hits, score descending, ties by point id ascending. Scores are
            rounded to ``vectors.ranking.SCORE_DECIMALS``; equal after rounding is a tie.

        Raises:
            DimensionMismatch: ``queries`` is not (Q, D).
            InvalidEmbedding: a query holds NaN or infinity, or is (almost) zero.
            InvalidSearch: k is below 1, or a moment has no time zone.
            UnknownCollection: ``ensure`` was not called.
            VectorStoreUnavailable: the store is away; retry.
        """
        ...

    def embeddings(self, ids: Sequence[UUID]) -> dict[UUID, NDArray[np.float32]]:
        """Return id → (D,) float32 unit embedding of these points; those that are gone lack.

        Raises:
            UnknownCollection: ``ensure`` was not called.
            VectorStoreUnavailable: the store is away; retry.
        """
        ...

    def count(self) -> int:
        """Return the exact number of points.

        Raises:
            UnknownCollection: ``ensure`` was not called.
            VectorStoreUnavailable: the store is away; retry.
        """
        ...

    def scroll(self) -> Iterator[tuple[UUID, UUID]]:
        """Yield (point id, image id) of every point, point id ascending, paged underneath.

        Points written or deleted meanwhile may or may not be among them.

        Raises:
            UnknownCollection: ``ensure`` was not called.
            VectorStoreUnavailable: the store is away; start again.
        """
        ...

    def scroll_payloads(self) -> Iterator[tuple[UUID, EditablePayload]]:
        """Yield (image id, what it carries) of every point, as ``scroll`` does.

        Raises:
            UnknownCollection: ``ensure`` was not called.
            VectorStoreUnavailable: the store is away; start again.
        """
        ...
