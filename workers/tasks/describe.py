"""Query tasks: a person waits for these."""

import base64
import time
from typing import Any
from uuid import UUID

from PIL import Image

from kernel import task_names
from kernel.errors import AppError
from worker_api import queries
from workers import model_pool
from workers.app import app
from workers.indexing import decode_original
from workers.policies import translated

_BLANK_SIZE = (320, 240)


@app.task(name=task_names.DESCRIBE_QUERY, shared=False, ignore_result=False)
def describe_query(*, query_id: str, **_unknown: object) -> dict[str, Any]:
    """Return the embedding of a query picture, or the error that it ended in.

    The embedding is base64 of D little-endian float32 values, unit length. `encode_ms` is the time
    in the encoder alone.
    """
    try:
        with translated():
            picture = decode_original(queries.read_query(UUID(query_id)))
            loaded = model_pool.get()
            started = time.perf_counter()
            row = loaded.encoder.encode([picture])[0]
    except AppError as error:
        return {"error": error.code, "context": error.context}
    return {
        "encoder_version": loaded.version.id,
        "embedding": base64.b64encode(row.astype("<f4").tobytes()).decode("ascii"),
        "encode_ms": (time.perf_counter() - started) * 1000,
    }


@app.task(name=task_names.WARM_UP, ignore_result=False, shared=False)
def warm_up(*, pictures: int = 1, **_unknown: object) -> str:
    """Load the live encoder in this process, embed blank pictures, return how it is loaded.

    The first pass of a batch's shape prepares the kernels and takes the memory that later ones
    use: 1.1 s for 16 pictures here.
    """
    with translated():
        loaded = model_pool.get()
        loaded.encoder.encode([Image.new("RGB", _BLANK_SIZE)] * pictures)
    return loaded.version.choice
