"""From qdrant-client's request models to Qdrant Edge's classes of the same names, and back.

Whatever has no counterpart here is refused with a clear message. Nothing is ever ignored: a filter
that is silently dropped returns pictures that the person has excluded.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import numpy as np
import qdrant_edge as edge
from pydantic import BaseModel
from qdrant_client import models

from vectors.edge.errors import RequestRefused
from vectors.ranking import first_invalid_row

# What a search does that says nothing about quantization: the scores of the 4-bit codes alone are
# off by up to 0.01, so the float32 vectors of twice as many candidates decide.
_RESCORE, _OVERSAMPLING = True, 2.0

_DEFAULT_LIMIT = 10  # Qdrant's

# Writes are applied before they are answered, in one order: there is no queue to number them in.
COMPLETED: Mapping[str, object] = {"operation_id": 0, "status": "completed"}

PointId: TypeAlias = int | UUID | str  # the name exists in Edge's stubs only


def new_shard_config(dim: int) -> edge.EdgeConfig:
    """Return the one layout that shards have here: a scan over 4-bit codes, no graph, with a WAL.

    Exact in practice to a million points, filters included, and nothing has to be built.
    """
    return edge.EdgeConfig(
        vectors=edge.EdgeVectorParams(size=dim, distance=edge.Distance.Cosine),
        hnsw_config=edge.HnswIndexConfig(m=0, ef_construct=100, full_scan_threshold=10_000),
        quantization_config=edge.TurboQuantQuantizationConfig(bits=edge.TurboQuantBitSize.Bits4),
        wal_enabled=True,
    )


def dim_of(request: models.CreateCollection) -> int:
    """Return the dimension of the collection to create, after refusing any other layout.

    Raises:
        RequestRefused: not one unnamed cosine vector with 4-bit TurboQuant, or with more said.
    """
    only(request, "vectors", "quantization_config")
    vectors = request.vectors
    if not isinstance(vectors, models.VectorParams):
        raise RequestRefused("exactly one unnamed vector a point is supported")
    only(vectors, "size", "distance")
    if vectors.distance is not models.Distance.COSINE:
        raise RequestRefused("only the distance Cosine is supported")
    if not 1 <= vectors.size <= 65_536:  # noqa: PLR2004 - Qdrant's own bound
        raise RequestRefused("the vector size must lie between 1 and 65536")
    quantization = request.quantization_config
    if quantization is not None:
        if not isinstance(quantization, models.TurboQuantization):
            raise RequestRefused("only TurboQuant quantization is supported")
        only(quantization.turbo, "bits")
        if quantization.turbo.bits is not models.TurboQuantBitSize.BITS4:
            raise RequestRefused("only TurboQuant with 4 bits is supported")
    return vectors.size


def to_query(request: models.QueryRequest, *, dim: int, points_count: int) -> edge.QueryRequest:
    """Return the nearest-neighbour query that Edge understands.

    Raises:
        RequestRefused: another kind of query, a parameter without counterpart, a bad vector.
    """
    only(
        request, "query", "filter", "params", "score_threshold", "limit", "offset", "with_vector",
        "with_payload",
    )  # fmt: skip
    query = request.query
    if isinstance(query, models.NearestQuery):
        only(query, "nearest")
        query = query.nearest
    if not isinstance(query, list):
        raise RequestRefused("only nearest-neighbour queries by one vector are supported")
    check_vectors([query], dim=dim)
    offset = 0 if request.offset is None else request.offset
    if offset < 0:
        raise RequestRefused("offset must be at least 0")
    return edge.QueryRequest(
        limit=to_limit(request.limit, points_count=points_count),
        offset=min(offset, points_count),
        query=edge.Query.Nearest(query),
        filter=to_optional_filter(request.filter),
        score_threshold=request.score_threshold,
        params=_to_params(request.params),
        with_payload=to_payload_selection(request.with_payload, default=False),
        with_vector=to_vector_selection(request.with_vector),
    )


def to_points(request: models.PointsList, *, dim: int) -> list[edge.Point]:
    """Return the points to upsert.

    Raises:
        RequestRefused: conditional upserts, named vectors, a wrong dimension, NaN, a zero vector.
    """
    only(request, "points")
    check_vectors([point.vector for point in request.points], dim=dim)
    return [
        edge.Point(to_id(point.id), point.vector, point.payload)  # type: ignore[arg-type] # checked
        for point in request.points
    ]


def to_payload_update(request: models.SetPayload) -> edge.UpdateOperation:
    """Return the update that writes keys into payloads.

    Raises:
        RequestRefused: a path within the payload, or not exactly one way to name the points.
    """
    only(request, "payload", "points", "filter")
    if (request.points is None) == (request.filter is None):
        raise RequestRefused("either points or a filter must be given")
    if request.points is not None:
        return edge.UpdateOperation.set_payload(to_ids(request.points), request.payload)
    condition = to_filter(request.filter)  # type: ignore[arg-type] # not None: checked above
    return edge.UpdateOperation.set_payload_by_filter(condition, request.payload)


def check_vectors(vectors: Sequence[object], *, dim: int) -> None:
    """Refuse vectors that Edge would take and that poison a collection, or that it dies of.

    Raises:
        RequestRefused: a vector is no list of ``dim`` finite numbers, or is (almost) zero.
    """
    for vector in vectors:
        if not isinstance(vector, list) or (vector and isinstance(vector[0], list)):
            raise RequestRefused("only plain dense vectors are supported")
        if len(vector) != dim:
            message = f"Vector dimension error: expected dim: {dim}, got {len(vector)}"
            raise RequestRefused(message)
    if vectors:
        bad_row = first_invalid_row(np.array(vectors, dtype=np.float32))
        if bad_row is not None:
            raise RequestRefused(f"vector {bad_row} is zero or not finite")


def to_optional_filter(condition: models.Filter | None) -> edge.Filter | None:
    """Return the same filter for Edge, or None where there is none (see ``to_filter``)."""
    return None if condition is None else to_filter(condition)


def to_filter(condition: models.Filter) -> edge.Filter:
    """Return the same filter for Edge.

    Raises:
        RequestRefused: it holds a condition that has no counterpart here.
    """
    only(condition, "must", "must_not", "should")
    return edge.Filter(
        must=_to_conditions(condition.must),
        must_not=_to_conditions(condition.must_not),
        should=_to_conditions(condition.should),
    )


def _to_conditions(conditions: Any) -> list[Any] | None:
    if conditions is None:
        return None
    listed = conditions if isinstance(conditions, list) else [conditions]
    return [_to_condition(condition) for condition in listed]


def _to_condition(
    condition: models.Condition,
) -> edge.Filter | edge.FieldCondition | edge.HasIdCondition:
    if isinstance(condition, models.Filter):
        return to_filter(condition)
    if isinstance(condition, models.HasIdCondition):
        return edge.HasIdCondition(set(to_ids(condition.has_id)))
    if isinstance(condition, models.FieldCondition):
        only(condition, "key", "match", "range")
        if (condition.match is None) == (condition.range is None):
            raise RequestRefused("a field condition is either a match or a range")
        if condition.range is not None:
            return edge.FieldCondition(condition.key, range=_to_range(condition.range))
        return edge.FieldCondition(condition.key, match=_to_match(condition.match))
    raise RequestRefused(f"filter condition {type(condition).__name__} is not supported")


def _to_match(match: models.Match | None) -> edge.MatchValue | edge.MatchAny | edge.MatchExcept:
    if isinstance(match, models.MatchValue):
        if isinstance(match.value, bool):  # Edge would look for the number 1 or 0, and find nothing
            raise RequestRefused("matches with true or false are not supported")
        return edge.MatchValue(match.value)
    if isinstance(match, models.MatchAny):
        return edge.MatchAny(match.any)
    if isinstance(match, models.MatchExcept):
        return edge.MatchExcept(match.except_)
    raise RequestRefused(f"filter match {type(match).__name__} is not supported")


def _to_range(asked: models.RangeInterface) -> edge.RangeFloat | edge.RangeDateTime:
    if not asked.model_dump(exclude_none=True):
        raise RequestRefused("a range has at least one end")
    if isinstance(asked, models.Range):
        return edge.RangeFloat(gte=asked.gte, gt=asked.gt, lte=asked.lte, lt=asked.lt)
    ends = {name: getattr(asked, name) for name in ("gte", "gt", "lte", "lt")}
    if any(end is not None and not isinstance(end, datetime) for end in ends.values()):
        raise RequestRefused("a range of moments has moments as its ends, and not days")
    if any(end is not None and end.tzinfo is None for end in ends.values()):
        raise RequestRefused("a moment needs its time zone")
    return edge.RangeDateTime(
        **{name: end.isoformat() for name, end in ends.items() if end is not None}
    )


def _to_params(params: models.SearchParams | None) -> edge.SearchParams:
    wanted = params if params is not None else models.SearchParams()
    only(wanted, "exact", "quantization")
    codes = wanted.quantization
    if codes is None:
        codes = models.QuantizationSearchParams()
    return edge.SearchParams(
        exact=bool(wanted.exact),
        quantization=edge.QuantizationSearchParams(
            ignore=bool(codes.ignore),
            rescore=_RESCORE if codes.rescore is None else codes.rescore,
            oversampling=_OVERSAMPLING if codes.oversampling is None else codes.oversampling,
        ),
    )


def to_payload_selection(
    selection: models.WithPayloadInterface | None, *, default: bool
) -> bool | list[str]:
    """Return which payload keys to answer with: all, none, or those listed."""
    if selection is None:
        return default
    if isinstance(selection, bool | list):
        return selection
    raise RequestRefused("payload selectors are not supported: name the keys in a list")


def to_vector_selection(selection: models.WithVector | None) -> bool:
    """Return whether to answer with vectors."""
    if isinstance(selection, list):
        raise RequestRefused("named vectors are not supported")
    return bool(selection)


def to_id(point_id: models.ExtendedPointId) -> int | UUID:
    """Return a point id as Edge takes it.

    Raises:
        RequestRefused: neither an unsigned integer nor a UUID.
    """
    try:
        if isinstance(point_id, int) and not 0 <= point_id < 2**64:
            raise ValueError
        return point_id if isinstance(point_id, int | UUID) else UUID(point_id)
    except ValueError:
        raise RequestRefused(
            f"{point_id!r} is not a valid point id, only unsigned integers and UUIDs are"
        ) from None


def to_ids(point_ids: Iterable[models.ExtendedPointId]) -> list[PointId]:
    """Return point ids as Edge takes them."""
    return [to_id(point_id) for point_id in point_ids]


def to_limit(limit: int | None, *, points_count: int) -> int:
    """Return how many points to ask Edge for, which reserves room for as many as it is told.

    Raises:
        RequestRefused: it is below 1.
    """
    wanted = _DEFAULT_LIMIT if limit is None else limit
    if wanted < 1:
        raise RequestRefused("limit must be at least 1")
    return min(wanted, points_count + 1)


def from_record(record: edge.Record | edge.ScoredPoint) -> dict[str, object]:
    """Return a found point as the JSON object that Qdrant answers with."""
    found: dict[str, object] = {"id": record.id}
    if isinstance(record, edge.ScoredPoint):
        found.update(version=record.version, score=record.score)
    # Reading converts: a payload read twice is half of what an answer takes.
    payload, vector = record.payload, record.vector
    if payload is not None:
        found["payload"] = payload
    if vector is not None:
        found["vector"] = vector
    return found


def only(model: BaseModel, *fields: str) -> None:
    """Refuse a request part in which anything beyond ``fields`` is set.

    Raises:
        RequestRefused: naming the parameters that have no counterpart here.
    """
    # An explicit null means the same as nothing.
    others = sorted(
        name
        for name in model.model_fields_set.difference(fields)
        if getattr(model, name) is not None
    )
    if others:
        names = ", ".join(others)
        raise RequestRefused(f"{type(model).__name__}: {names} not supported by the embedded store")
