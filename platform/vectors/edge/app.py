"""The routes: the part of Qdrant's REST API that ``vectors.qdrant`` needs, and nothing beside it.

Edge calls run straight in the event loop. They hold the interpreter lock anyway, so a thread would
gain nothing, and one after another is what a shard with one owner wants.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from pydantic_core import to_json
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from vectors.edge import collection_routes, point_routes
from vectors.edge.errors import EdgeFailed, RequestRefused
from vectors.edge.store import FLUSH_INTERVAL_S, Store

logger = logging.getLogger(__name__)

# The Qdrant release whose REST API this is a part of; clients compare it with their own.
_API_VERSION = "1.20.0"

# Query parameters that ask for less than every request gets here: one shard, one copy, and every
# write applied before it is acknowledged. How long one may take is the client's own affair.
_FULFILLED_PARAMETERS = {"wait", "ordering", "consistency", "timeout"}

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
        route("/collections", "GET", collection_routes.list_collections),
        route(one, "GET", collection_routes.describe_collection),
        route(one, "PUT", collection_routes.create_collection),
        route(one, "DELETE", collection_routes.drop_collection),
        route(one + "/exists", "GET", collection_routes.collection_exists),
        route(one + "/index", "PUT", collection_routes.create_payload_index),
        route(one + "/points", "PUT", point_routes.upsert_points),
        route(one + "/points", "POST", point_routes.retrieve_points),
        route(one + "/points/delete", "POST", point_routes.delete_points),
        route(one + "/points/payload", "POST", point_routes.set_payload),
        route(one + "/points/count", "POST", point_routes.count_points),
        route(one + "/points/scroll", "POST", point_routes.scroll_points),
        route(one + "/points/query", "POST", point_routes.query_points),
        route(one + "/points/query/batch", "POST", point_routes.query_points_batch),
    ]
    return Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=allowed_hosts)],
        exception_handlers={HTTPException: _http_error, Exception: _defect},
    )


async def _flush_regularly(store: Store) -> None:
    while True:
        await asyncio.sleep(FLUSH_INTERVAL_S)
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


async def _http_error(_: Request, err: Exception) -> Response:
    status, detail = (err.status_code, err.detail) if isinstance(err, HTTPException) else (500, "")
    return _error(status, detail)


async def _defect(_: Request, err: Exception) -> Response:
    return _error(500, f"{type(err).__name__}: {err}")


def _error(status: int, message: str) -> Response:
    return _json(status, {"status": {"error": message}, "time": 0.0})


def _json(status: int, content: object) -> Response:
    return Response(to_json(content), status_code=status, media_type="application/json")
