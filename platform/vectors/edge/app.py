"""The routes: the part of Qdrant's REST API that ``vectors.qdrant`` needs, and nothing beside it.

Edge calls run straight in the event loop. They hold the interpreter lock anyway, so a thread would
gain nothing, and one after another is what a shard with one owner wants.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import qdrant_edge as edge
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json
from qdrant_client import models
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from vectors.edge import mapping
from vectors.edge.errors import BodyTooLarge, EdgeFailed, RequestRefused
from vectors.edge.store import Collection, Store, edge_errors

logger = logging.getLogger(__name__)

# The Qdrant release whose REST API this is a part of; clients compare it with their own.
_API_VERSION = "1.20.0"

# Largest request body. Our own upserts are below 1 MB; Qdrant's own limit is 32 MiB.
MAX_BODY_BYTES = 64 * 1024 * 1024

# Seconds between flushes of what was written: what a power cut may cost (a killed process costs
# nothing), and how long the write-ahead log grows.
_FLUSH_INTERVAL_S = 3.0

# Query parameters that ask for less than every request gets here: one shard, one copy, and every
# write applied before it is acknowledged.
_FULFILLED_PARAMETERS = {"wait", "ordering", "consistency"}

_ModelT = TypeVar("_ModelT", bound=BaseModel)
_Endpoint = Callable[[Store, Request], Awaitable[Any]]


def build_app(store: Store, *, allowed_hosts: list[str]) -> Starlette:
    """Return the ASGI application over an open store, which it flushes on a timer and closes.

    Args:
        store: open; nothing else may touch it from now on.
        allowed_hosts: Host headers that are answered, so that a web page whose name was made to
            resolve to this machine cannot reach the store.
    """

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        flusher = asyncio.create_task(_flush_regularly(store))
        try:
            yield
        finally:
            flusher.cancel()
            with suppress(asyncio.CancelledError):
                await flusher
            store.close()

    def route(path: str, method: str, endpoint: _Endpoint) -> Route:
        return Route(path, _answering(store, endpoint), methods=[method])

    one = "/collections/{name}"
    routes = [
        Route("/", _version),
        Route("/healthz", _health),
        route("/collections", "GET", _list_collections),
        route(one, "GET", _describe_collection),
        route(one, "PUT", _create_collection),
        route(one, "DELETE", _drop_collection),
        route(one + "/exists", "GET", _collection_exists),
        route(one + "/index", "PUT", _create_payload_index),
        route(one + "/points", "PUT", _upsert_points),
        route(one + "/points", "POST", _retrieve_points),
        route(one + "/points/delete", "POST", _delete_points),
        route(one + "/points/count", "POST", _count_points),
        route(one + "/points/scroll", "POST", _scroll_points),
        route(one + "/points/query", "POST", _query_points),
        route(one + "/points/query/batch", "POST", _query_points_batch),
    ]
    return Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=allowed_hosts)],
        exception_handlers={HTTPException: _http_error, Exception: _defect},
    )


async def _flush_regularly(store: Store) -> None:
    while True:
        await asyncio.sleep(_FLUSH_INTERVAL_S)
        store.flush()


def _answering(store: Store, endpoint: _Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """Wrap an endpoint so that its result, or its refusal, is answered in Qdrant's shape."""

    async def answer(request: Request) -> Response:
        started = time.perf_counter()
        try:
            others = set(request.query_params) - _FULFILLED_PARAMETERS
            if others:
                raise RequestRefused(f"query parameters not supported: {', '.join(sorted(others))}")
            result = await endpoint(store, request)
        except RequestRefused as err:
            if isinstance(err, EdgeFailed):
                logger.exception("request failed", extra={"path": request.url.path})
            return _error(err.status, str(err))
        seconds = time.perf_counter() - started
        return _json(200, {"result": result, "status": "ok", "time": seconds})

    return answer


async def _version(_: Request) -> Response:
    return _json(200, {"title": "semblance embedded vector store", "version": _API_VERSION})


async def _health(_: Request) -> Response:
    return PlainTextResponse("healthz check passed")


async def _list_collections(store: Store, _: Request) -> object:
    return {"collections": [{"name": name} for name in store.names]}


async def _collection_exists(store: Store, request: Request) -> object:
    return {"exists": store.has(_name(request))}


async def _create_collection(store: Store, request: Request) -> object:
    store.create(_name(request), mapping.dim_of(await _parsed(request, models.CreateCollection)))
    return True


async def _drop_collection(store: Store, request: Request) -> object:
    return store.drop(_name(request))


async def _describe_collection(store: Store, request: Request) -> object:
    collection = store.get(_name(request))
    with edge_errors():
        info = collection.shard.info()
    vectors = models.VectorParams(size=collection.dim, distance=models.Distance.COSINE)
    codes = models.TurboQuantQuantizationConfig(bits=models.TurboQuantBitSize.BITS4)
    schema = {
        key: {"data_type": str(index.data_type).rpartition(".")[2].lower(), "points": index.points}
        for key, index in info.payload_schema.items()
    }
    described = models.CollectionInfo(
        status=models.CollectionStatus.GREEN,
        optimizer_status=models.OptimizersStatusOneOf.OK,
        points_count=info.points_count,
        indexed_vectors_count=info.indexed_vectors_count,
        segments_count=info.segments_count,
        config=models.CollectionConfig(
            params=models.CollectionParams(vectors=vectors),
            hnsw_config=models.HnswConfig(m=0, ef_construct=100, full_scan_threshold=10_000),
            optimizer_config=models.OptimizersConfig(
                default_segment_number=1, flush_interval_sec=round(_FLUSH_INTERVAL_S)
            ),
            quantization_config=models.TurboQuantization(turbo=codes),
        ),
        payload_schema=schema,  # type: ignore[arg-type] # checked by the model
    )
    return described.model_dump(mode="json", exclude_none=True)


async def _create_payload_index(store: Store, request: Request) -> object:
    collection = store.get(_name(request))
    body = await _parsed(request, models.CreateFieldIndex)
    if not isinstance(body.field_schema, models.PayloadSchemaType):
        raise RequestRefused("field_schema must be a plain type such as keyword")
    index_type = getattr(edge.PayloadSchemaType, body.field_schema.value.capitalize())
    collection.update(edge.UpdateOperation.create_field_index(body.field_name, index_type))
    return _COMPLETED


async def _upsert_points(store: Store, request: Request) -> object:
    collection = store.get(_name(request))
    body = await _parsed(request, models.PointsList)
    points = mapping.to_points(body, dim=collection.dim)
    if points:
        collection.update(edge.UpdateOperation.upsert_points(points))
    return _COMPLETED


async def _delete_points(store: Store, request: Request) -> object:
    collection = store.get(_name(request))
    content = await _content(request)
    if "filter" in content:
        by_filter = _validated(models.FilterSelector, content)
        mapping.only(by_filter, "filter")
        condition = mapping.to_filter(by_filter.filter)
        collection.update(edge.UpdateOperation.delete_points_by_filter(condition))
        return _COMPLETED
    by_ids = _validated(models.PointIdsList, content)
    mapping.only(by_ids, "points")
    if by_ids.points:
        collection.update(edge.UpdateOperation.delete_points(mapping.to_ids(by_ids.points)))
    return _COMPLETED


async def _retrieve_points(store: Store, request: Request) -> object:
    collection = store.get(_name(request))
    body = await _parsed(request, models.PointRequest)
    mapping.only(body, "ids", "with_payload", "with_vector")
    with edge_errors():
        records = collection.shard.retrieve(
            mapping.to_ids(body.ids),
            mapping.to_payload_selection(body.with_payload, default=True),
            mapping.to_vector_selection(body.with_vector),
        )
    return [mapping.from_record(record) for record in records]


async def _count_points(store: Store, request: Request) -> object:
    collection = store.get(_name(request))
    body = await _parsed(request, models.CountRequest)
    mapping.only(body, "filter", "exact")
    wanted = edge.CountRequest(
        exact=body.exact is not False, filter=mapping.to_optional_filter(body.filter)
    )
    with edge_errors():
        return {"count": collection.shard.count(wanted)}


async def _scroll_points(store: Store, request: Request) -> object:
    collection = store.get(_name(request))
    body = await _parsed(request, models.ScrollRequest)
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


async def _query_points(store: Store, request: Request) -> object:
    body = await _parsed(request, models.QueryRequest)
    return _query(store.get(_name(request)), [body])[0]


async def _query_points_batch(store: Store, request: Request) -> object:
    body = await _parsed(request, models.QueryRequestBatch)
    return _query(store.get(_name(request)), body.searches)


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


# Writes are applied before they are answered, in one order: there is no queue to number them in.
_COMPLETED: Mapping[str, object] = {"operation_id": 0, "status": "completed"}


def _name(request: Request) -> str:
    return str(request.path_params["name"])


async def _parsed(request: Request, model: type[_ModelT]) -> _ModelT:
    return _validated(model, await _content(request))


def _validated(model: type[_ModelT], content: Mapping[str, object]) -> _ModelT:
    try:
        # From parsed JSON, not from the text: 15 times faster on these unions of vector kinds.
        return model.model_validate(content)
    except ValidationError as err:
        problems = err.errors(include_url=False, include_input=False, include_context=False)
        where = ".".join(str(step) for step in problems[0]["loc"])
        raise RequestRefused(f"Format error in JSON body: {where}: {problems[0]['msg']}") from None


async def _content(request: Request) -> Mapping[str, object]:
    """Return the JSON object in the body; anything else is refused.

    Only with its own content type: a web page may send text or a form anywhere without asking,
    but JSON only where the receiver allows it, and nobody here does.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise RequestRefused("the content type must be application/json")
    body = bytearray()
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= MAX_BODY_BYTES:
            body += chunk
        else:  # read on, keeping nothing: the client hears the reason instead of a broken pipe
            body.clear()
    if size > MAX_BODY_BYTES:
        raise BodyTooLarge(f"the body may have {MAX_BODY_BYTES} bytes at most, this has {size}")
    try:
        content = from_json(bytes(body), allow_inf_nan=False)
    except ValueError as err:
        raise RequestRefused(f"Format error in JSON body: {err}") from None
    if not isinstance(content, dict):
        raise RequestRefused("Format error in JSON body: an object is expected")
    return content


async def _http_error(_: Request, err: Exception) -> Response:
    status, detail = (err.status_code, err.detail) if isinstance(err, HTTPException) else (500, "")
    return _error(status, detail)


async def _defect(_: Request, err: Exception) -> Response:
    return _error(500, f"{type(err).__name__}: {err}")


def _error(status: int, message: str) -> Response:
    return _json(status, {"status": {"error": message}, "time": 0.0})


def _json(status: int, content: object) -> Response:
    return Response(to_json(content), status_code=status, media_type="application/json")
