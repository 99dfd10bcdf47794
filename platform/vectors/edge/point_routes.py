"""The routes that answer for the points of a collection: written, read, counted, searched."""

from typing import Any

import qdrant_edge as edge
from qdrant_client import models
from starlette.requests import Request

from vectors.edge import mapping
from vectors.edge.bodies import collection_name, read_body, read_json, validate_json
from vectors.edge.store import Collection, Store, edge_errors


async def upsert_points(store: Store, request: Request) -> object:
    """Write points, in place of those with the same ids."""
    collection = store.get(collection_name(request))
    body = await read_body(request, models.PointsList)
    points = mapping.to_points(body, dim=collection.dim)
    if points:
        collection.update(edge.UpdateOperation.upsert_points(points))
    return mapping.COMPLETED


async def delete_points(store: Store, request: Request) -> object:
    """Remove points, by a filter or by their ids."""
    collection = store.get(collection_name(request))
    body = await read_json(request)
    if "filter" in body:
        by_filter = validate_json(models.FilterSelector, body)
        mapping.only(by_filter, "filter")
        condition = mapping.to_filter(by_filter.filter)
        collection.update(edge.UpdateOperation.delete_points_by_filter(condition))
        return mapping.COMPLETED
    by_ids = validate_json(models.PointIdsList, body)
    mapping.only(by_ids, "points")
    if by_ids.points:
        collection.update(edge.UpdateOperation.delete_points(mapping.to_ids(by_ids.points)))
    return mapping.COMPLETED


async def set_payload(store: Store, request: Request) -> object:
    """Write keys into the payloads of points, by a filter or by their ids; other keys stay."""
    collection = store.get(collection_name(request))
    body = await read_body(request, models.SetPayload)
    collection.update(mapping.to_payload_update(body))
    return mapping.COMPLETED


async def retrieve_points(store: Store, request: Request) -> object:
    """Return points by their ids."""
    collection = store.get(collection_name(request))
    body = await read_body(request, models.PointRequest)
    mapping.only(body, "ids", "with_payload", "with_vector")
    with edge_errors():
        records = collection.shard.retrieve(
            mapping.to_ids(body.ids),
            mapping.to_payload_selection(body.with_payload, default=True),
            mapping.to_vector_selection(body.with_vector),
        )
    return [mapping.from_record(record) for record in records]


async def count_points(store: Store, request: Request) -> object:
    """Return how many points a filter leaves."""
    collection = store.get(collection_name(request))
    body = await read_body(request, models.CountRequest)
    mapping.only(body, "filter", "exact")
    wanted = edge.CountRequest(
        exact=body.exact is not False, filter=mapping.to_optional_filter(body.filter)
    )
    with edge_errors():
        return {"count": collection.shard.count(wanted)}


async def scroll_points(store: Store, request: Request) -> object:
    """Return points in the order of their ids, a page at a time."""
    collection = store.get(collection_name(request))
    body = await read_body(request, models.ScrollRequest)
    mapping.only(body, "offset", "limit", "filter", "with_payload", "with_vector")
    wanted = edge.ScrollRequest(
        offset=None if body.offset is None else mapping.to_id(body.offset),
        limit=mapping.to_limit(body.limit, points_count=_points_count(collection)),
        filter=mapping.to_optional_filter(body.filter),
        with_payload=mapping.to_payload_selection(body.with_payload, default=True),
        with_vector=mapping.to_vector_selection(body.with_vector),
    )
    with edge_errors():
        records, next_offset = collection.shard.scroll(wanted)
    points = [mapping.from_record(record) for record in records]
    return {"points": points, "next_page_offset": next_offset}


async def query_points(store: Store, request: Request) -> object:
    """Return the points nearest to a vector."""
    body = await read_body(request, models.QueryRequest)
    return _query(store.get(collection_name(request)), [body])[0]


async def query_points_batch(store: Store, request: Request) -> object:
    """Return the points nearest to each of many vectors."""
    body = await read_body(request, models.QueryRequestBatch)
    return _query(store.get(collection_name(request)), body.searches)


def _query(collection: Collection, searches: list[models.QueryRequest]) -> list[dict[str, Any]]:
    points_count = _points_count(collection)
    queries = [
        mapping.to_query(search, dim=collection.dim, points_count=points_count)
        for search in searches
    ]
    with edge_errors():
        answers = collection.shard.query_batch(edge.QueryBatchRequest(queries))
    return [{"points": [mapping.from_record(found) for found in answer]} for answer in answers]


def _points_count(collection: Collection) -> int:
    with edge_errors():
        return collection.shard.info().points_count
