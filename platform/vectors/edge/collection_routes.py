"""The routes that answer for collections: which there are, what they are, made and dropped."""

import qdrant_edge as edge
from qdrant_client import models
from starlette.requests import Request

from vectors.edge import mapping
from vectors.edge.bodies import collection_name, read_body
from vectors.edge.errors import RequestRefused
from vectors.edge.store import FLUSH_INTERVAL_S, Store, edge_errors


async def list_collections(store: Store, _: Request) -> object:
    """Return the names of all collections."""
    return {"collections": [{"name": name} for name in store.names]}


async def collection_exists(store: Store, request: Request) -> object:
    """Return whether there is such a collection."""
    return {"exists": store.has(collection_name(request))}


async def create_collection(store: Store, request: Request) -> object:
    """Make a collection of vectors of the size that the body says."""
    store.create(
        collection_name(request), mapping.dim_of(await read_body(request, models.CreateCollection))
    )
    return True


async def drop_collection(store: Store, request: Request) -> object:
    """Remove a collection and its points."""
    return store.drop(collection_name(request))


async def describe_collection(store: Store, request: Request) -> object:
    """Return how a collection is set up and how much it holds."""
    collection = store.get(collection_name(request))
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
                default_segment_number=1, flush_interval_sec=round(FLUSH_INTERVAL_S)
            ),
            quantization_config=models.TurboQuantization(turbo=codes),
        ),
        payload_schema=schema,  # type: ignore[arg-type] # checked by the model
    )
    return described.model_dump(mode="json", exclude_none=True)


async def create_payload_index(store: Store, request: Request) -> object:
    """Index one key of the payload, of a plain type."""
    collection = store.get(collection_name(request))
    body = await read_body(request, models.CreateFieldIndex)
    if not isinstance(body.field_schema, models.PayloadSchemaType):
        raise RequestRefused("field_schema must be a plain type such as keyword")
    index_type = getattr(edge.PayloadSchemaType, body.field_schema.value.capitalize())
    collection.update(edge.UpdateOperation.create_field_index(body.field_name, index_type))
    return mapping.COMPLETED
