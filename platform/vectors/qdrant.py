"""The index in Qdrant: a server, the embedded store's process, or qdrant-client's memory mode.

The only file that calls qdrant-client; every exception of it, of httpx and of its in-memory mode
stops here.
"""

import ipaddress
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import numpy as np
from numpy.typing import NDArray
from qdrant_client import QdrantClient, models
from qdrant_client.common.client_exceptions import QdrantException, ResourceExhaustedResponse
from qdrant_client.http.exceptions import (
    ApiException,
    ResponseHandlingException,
    UnexpectedResponse,
)

from kernel.errors import AppError
from ml.rules.regions import is_region_kind
from vectors.errors import (
    CollectionSpecMismatch,
    StoreRefused,
    UnknownCollection,
    VectorStoreUnavailable,
)
from vectors.index import CollectionSpec, EditablePayload, Hit, Point, PointFacts, Where
from vectors.ranking import (
    TIE_MARGIN,
    best_first,
    checked_embeddings,
    checked_queries,
)
from vectors.schema import (
    BINNED_KEY,
    EDITABLE_KEYS,
    PAYLOAD_INDEXES,
    editable_of,
    editable_to_dict,
    facts_to_dict,
    image_id_of,
    images_filter,
    is_binned,
    payload_to_dict,
    where_to_filter,
)

# Floats in one upsert request: 64 points of 512, about 0.7 MB of JSON. Small enough that a search
# waits at most some 10 ms behind it in the embedded store, which answers one request at a time.
_FLOATS_PER_UPSERT = 32_768
_IDS_PER_REQUEST = 1_000
_POINTS_PER_PAGE = 1_000
_IMAGES_PER_PAYLOAD = 250  # 14 ms in the embedded store: what a search may wait behind it

# How long connecting, sending, or waiting for an answer may take each, in seconds.
_TIMEOUT_S = 20

# The distance to 4-bit codes only chooses three times as many candidates as wanted; the scores that
# decide come from the float32 vectors. Without these two recall@20 was 0.958, with them 1.0; with
# twice as many 0.9885 among a million, with three times 0.9995, for 5 % of the time.
_QUANTIZATION = models.TurboQuantization(
    turbo=models.TurboQuantQuantizationConfig(bits=models.TurboQuantBitSize.BITS4)
)
_SEARCH_PARAMS = models.SearchParams(
    quantization=models.QuantizationSearchParams(rescore=True, oversampling=3.0)
)

# Extra hits asked for, so that those of the bin can be left out of what came back. To leave them
# out in the store is a pass over all points: 5 ms of 100,000, whose search takes 2.
_BIN_MARGIN = 16

_HTTP_NOT_FOUND, _HTTP_CONFLICT, _HTTP_TOO_MANY, _HTTP_SERVER_ERROR = 404, 409, 429, 500


class QdrantIndex:
    """One collection behind a ``QdrantClient``, as a ``VectorIndex``.

    It owns no connection: the client is the caller's, may be shared by threads and by indexes,
    and must be made after any fork.
    """

    def __init__(self, client: QdrantClient, spec: CollectionSpec) -> None:
        self.spec = spec
        self._client = client

    def ensure(self) -> None:
        """Create the collection and its payload indexes where missing (see ``VectorIndex``)."""
        with _our_errors(self.spec.name):
            if not self._client.collection_exists(self.spec.name):
                self._create()
            info = self._client.get_collection(self.spec.name)
            self._refuse_mismatch(info)
            for key, index_type in PAYLOAD_INDEXES.items():
                if key not in info.payload_schema:
                    self._client.create_payload_index(self.spec.name, key, index_type, wait=True)

    def upsert(self, points: Sequence[Point]) -> None:
        """Write or replace points, in as many bounded requests as they need."""
        if not points:
            return
        embeddings = checked_embeddings(points, dim=self.spec.dim)
        payloads = [payload_to_dict(point.payload) for point in points]
        step = max(1, _FLOATS_PER_UPSERT // self.spec.dim)
        for start in range(0, len(points), step):
            part = slice(start, start + step)
            rows = zip(points[part], embeddings[part].tolist(), payloads[part], strict=True)
            structs = [
                models.PointStruct(id=str(point.id), vector=vector, payload=payload)
                for point, vector, payload in rows
            ]
            with _our_errors(self.spec.name):
                self._client.upsert(self.spec.name, structs, wait=True)

    def delete(self, ids: Sequence[UUID]) -> None:
        """Remove points by id, in bounded requests."""
        for start in range(0, len(ids), _IDS_PER_REQUEST):
            part: list[int | str | UUID] = [
                str(one) for one in ids[start : start + _IDS_PER_REQUEST]
            ]
            with _our_errors(self.spec.name):
                self._client.delete(self.spec.name, models.PointIdsList(points=part), wait=True)

    def set_payload(self, image_ids: Sequence[UUID], payload: EditablePayload) -> None:
        """Write what people change into every point of these images, in bounded requests."""
        stored = editable_to_dict(payload)
        for start in range(0, len(image_ids), _IMAGES_PER_PAYLOAD):
            part = images_filter(image_ids[start : start + _IMAGES_PER_PAYLOAD])
            with _our_errors(self.spec.name):
                self._client.set_payload(self.spec.name, stored, part, wait=True)

    def set_facts(self, ids: Sequence[UUID], facts: PointFacts) -> None:
        """Write what points of earlier releases lack, in bounded requests."""
        stored = facts_to_dict(facts)
        for start in range(0, len(ids), _IDS_PER_REQUEST):
            part = [str(one) for one in ids[start : start + _IDS_PER_REQUEST]]
            # By a filter: a list of ids is refused where one of them is gone by now.
            there = models.Filter(must=[models.HasIdCondition(has_id=list(part))])
            with _our_errors(self.spec.name):
                self._client.set_payload(self.spec.name, stored, there, wait=True)

    def search(
        self,
        queries: NDArray[np.float32],
        *,
        k: int,
        where: Where | None = None,
        timeout_s: float | None = None,
    ) -> list[list[Hit]]:
        """Return the nearest points of each query (see ``VectorIndex``): one batch request.

        Points of kinds that only a later release knows are left out.
        """
        matrix = checked_queries(queries, dim=self.spec.dim, k=k)
        where = Where() if where is None else where
        found = self._nearest(matrix, _limit(k, where), replace(where, with_binned=True), timeout_s)
        if not where.with_binned:
            kept = [[point for point in points if not is_binned(point.payload)] for points in found]
            # Only where the bin took more places than there were to spare: the store leaves it out.
            short = [
                row
                for row, points in enumerate(found)
                if len(points) == _limit(k, where) and len(kept[row]) < k + TIE_MARGIN
            ]
            again = self._nearest(matrix[short], k + TIE_MARGIN, where, timeout_s)
            for row, points in zip(short, again, strict=True):
                kept[row] = points
            found = kept
        return [_hits(points, k=k) for points in found]

    def _nearest(
        self,
        queries: NDArray[np.float32],
        limit: int,
        where: Where,
        timeout_s: float | None,
    ) -> list[list[models.ScoredPoint]]:
        """Return the nearest points of each of (Q, D) checked queries, as the store has them."""
        if not len(queries):
            return []
        condition = where_to_filter(where)
        requests = [
            models.QueryRequest(
                query=models.NearestQuery(nearest=row),
                filter=condition,
                params=_SEARCH_PARAMS,
                limit=limit,
                # Nothing else of it: a collage finds thousands of points.
                with_payload=["image_id", "kind", BINNED_KEY],
            )
            for row in queries.tolist()
        ]
        # The outer client would copy every number of every vector, looking for texts to embed.
        client = self._client._client
        with _our_errors(self.spec.name):
            answers = client.query_batch_points(
                self.spec.name,
                requests,
                # The client waits as long as it tells the store that it may take.
                timeout=None if timeout_s is None else max(1, math.ceil(timeout_s)),
            )
        return [answer.points for answer in answers]

    def embeddings(self, ids: Sequence[UUID]) -> dict[UUID, NDArray[np.float32]]:
        """Return the embeddings of points (see ``VectorIndex``), in bounded requests."""
        found: dict[UUID, NDArray[np.float32]] = {}
        step = max(1, _FLOATS_PER_UPSERT // self.spec.dim)
        for start in range(0, len(ids), step):
            part = [str(one) for one in ids[start : start + step]]
            with _our_errors(self.spec.name):
                records = self._client.retrieve(
                    self.spec.name, part, with_payload=False, with_vectors=True
                )
            found |= {UUID(str(one.id)): np.array(one.vector, np.float32) for one in records}
        return found

    def count(self) -> int:
        """Return the exact number of points."""
        with _our_errors(self.spec.name):
            return self._client.count(self.spec.name, exact=True).count

    def scroll(self) -> Iterator[tuple[UUID, UUID]]:
        """Yield (point id, image id) of every point, id ascending: Qdrant's own scroll order."""
        for record in self._records(["image_id"]):
            yield UUID(str(record.id)), image_id_of(record.payload)

    def scroll_payloads(self) -> Iterator[tuple[UUID, EditablePayload]]:
        """Yield (image id, what it carries) of every point, in the same order."""
        for record in self._records(["image_id", *EDITABLE_KEYS]):
            yield image_id_of(record.payload), editable_of(record.payload)

    def _records(self, payload_keys: list[str]) -> Iterator[models.Record]:
        offset: Any = None
        while True:
            with _our_errors(self.spec.name):
                records, offset = self._client.scroll(
                    self.spec.name,
                    limit=_POINTS_PER_PAGE,
                    offset=offset,
                    with_payload=payload_keys,
                )
            yield from records
            if offset is None:
                return

    def _create(self) -> None:
        # Nothing about HNSW: a server builds its default graph, payload links included, because
        # the payload indexes are made before the first point; the embedded store scans.
        try:
            self._client.create_collection(
                self.spec.name,
                vectors_config=models.VectorParams(
                    size=self.spec.dim, distance=models.Distance.COSINE
                ),
                quantization_config=_QUANTIZATION,
                # Unsaid where it is one: the embedded store knows neither.
                replication_factor=self.spec.replicas if self.spec.replicas > 1 else None,
                shard_number=self.spec.shards,
            )
        except (UnexpectedResponse, ValueError) as err:
            if not _says_it_exists(err):  # another process was faster: its spec is checked next
                raise

    def _refuse_mismatch(self, info: models.CollectionInfo) -> None:
        vectors = info.config.params.vectors
        if isinstance(vectors, models.VectorParams):
            found = f"{vectors.size} {vectors.distance.value}"
        else:
            found = "named vectors"
        expected = f"{self.spec.dim} {models.Distance.COSINE.value}"
        if found != expected:
            raise CollectionSpecMismatch(collection=self.spec.name, expected=expected, found=found)


def connect(url: str, api_key: str | None = None) -> QdrantClient:
    """Return a REST client of the Qdrant at ``url``. Nothing is sent yet.

    Args:
        url: ``http://host:port`` or ``https://host:port``.
        api_key: sent with every request where given.

    Raises:
        StoreRefused: ``url`` is none that Qdrant can have.
    """
    with _our_errors(url):
        return QdrantClient(
            url=url,
            api_key=api_key,
            timeout=_TIMEOUT_S,
            check_compatibility=False,  # it warns from a thread whenever the store is away
            # Connections are kept, on loopback too, where the client would open one a request.
            limits=httpx.Limits(max_connections=32, max_keepalive_connections=8),
            # A proxy of the environment is never the way to a store on this machine.
            trust_env=not _is_loopback(url),
        )


def drop(client: QdrantClient, collection: str) -> None:
    """Delete a collection with its points; one that is not there is fine.

    Raises:
        VectorStoreUnavailable: the store is away; retry.
    """
    with _our_errors(collection):
        client.delete_collection(collection)


def list_collections(client: QdrantClient) -> list[str]:
    """Return the names of all collections.

    Raises:
        VectorStoreUnavailable: the store is away; retry.
    """
    with _our_errors("all"):
        return [collection.name for collection in client.get_collections().collections]


@contextmanager
def _our_errors(collection: str) -> Iterator[None]:
    """Turn what qdrant-client and httpx raise inside into one of ``vectors.errors``."""
    try:
        yield
    except AppError:
        raise
    except ResourceExhaustedResponse as err:
        raise VectorStoreUnavailable(collection=collection, detail=str(err)) from err
    except UnexpectedResponse as err:
        raise _from_status(err, collection) from err
    except ResponseHandlingException as err:
        if isinstance(err.source, httpx.TransportError):
            raise VectorStoreUnavailable(collection=collection, detail=repr(err.source)) from err
        raise StoreRefused(collection=collection, detail=repr(err.source)) from err
    except httpx.HTTPError as err:
        raise VectorStoreUnavailable(collection=collection, detail=repr(err)) from err
    except (ApiException, QdrantException, ValueError, RuntimeError) as err:
        if isinstance(err, ValueError) and str(err).endswith("not found"):  # the memory mode
            raise UnknownCollection(collection=collection) from err
        raise StoreRefused(collection=collection, detail=repr(err)) from err


def _from_status(err: UnexpectedResponse, collection: str) -> AppError:
    status = err.status_code if err.status_code is not None else _HTTP_SERVER_ERROR
    detail = err.content[:300].decode(errors="replace")
    if status == _HTTP_NOT_FOUND:
        return UnknownCollection(collection=collection, detail=detail)
    if status == _HTTP_TOO_MANY or status >= _HTTP_SERVER_ERROR:
        return VectorStoreUnavailable(collection=collection, status=status, detail=detail)
    return StoreRefused(collection=collection, status=status, detail=detail)


def _says_it_exists(err: UnexpectedResponse | ValueError) -> bool:
    if isinstance(err, UnexpectedResponse):
        return err.status_code == _HTTP_CONFLICT
    return str(err).endswith("already exists")


def _limit(k: int, where: Where) -> int:
    return k + TIE_MARGIN + (0 if where.with_binned else _BIN_MARGIN)


def _hits(found: Sequence[models.ScoredPoint], *, k: int) -> list[Hit]:
    # Ids as they are written are in the order of the ids.
    scored = [(point.score, str(point.id), point.payload or {}) for point in found]
    return [
        Hit(UUID(point_id), score, image_id_of(stored), stored["kind"])
        for score, point_id, stored in best_first(scored, k=k)
        if is_region_kind(stored.get("kind"))
    ]


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
