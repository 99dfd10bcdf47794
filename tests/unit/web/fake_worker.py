"""A query worker inside the test process, on the real queue: Celery's memory transport.

Its encoder is deterministic and meaningful: a picture's embedding is the mean colour of each cell
of a grid, so pictures that look alike have a high score and the order of hits can be foretold.
"""

import base64
import io
from contextlib import ExitStack
from uuid import UUID, uuid4

import numpy as np
from celery.contrib.testing.worker import start_worker
from numpy.typing import NDArray
from PIL import Image

from catalog.vector_store import open_index
from jobs.broker import client
from kernel.ids import point_id
from kernel.task_names import DESCRIBE_QUERY
from search import query_files
from vectors.index import Payload, Point

GRID = 4
DIM = GRID * GRID * 3 + 1
_answers = {"version": 0, "error": "", "context": {}}


def embed(data: bytes) -> NDArray[np.float32]:
    """(DIM,) float32, unit length: grid means of R, G, B around mid-grey, and a constant."""
    with Image.open(io.BytesIO(data)) as picture:
        cells = picture.convert("RGB").resize((GRID, GRID), Image.Resampling.BOX)
    means = np.asarray(cells, dtype=np.float32).ravel() / 255 - 0.5
    embedding = np.append(means, np.float32(0.1))
    return (embedding / np.linalg.norm(embedding)).astype(np.float32)


def new_collection() -> str:
    return f"regions__grid__{uuid4().hex}"


@client.task(name=DESCRIBE_QUERY, shared=False)
def describe_query(*, query_id: str) -> dict[str, object]:
    if _answers["error"]:
        return {"error": _answers["error"], "context": _answers["context"]}
    embedding = embed(query_files.read(UUID(query_id)))
    return {
        "encoder_version": _answers["version"],
        "embedding": base64.b64encode(embedding.astype("<f4").tobytes()).decode(),
        "encode_ms": 12.5,
    }


def answer_with(*, version_id: int = 0, error: str = "", **context: object) -> None:
    """Choose what the next queries are answered with: embeddings of a version, or an error."""
    _answers.update(version=version_id, error=error, context=context)


class WorkerSwitch:
    """One worker thread for many tests: stopping it takes seconds, so only who must does."""

    def __init__(self) -> None:
        self._running = ExitStack()
        self._is_on = False

    def on(self) -> None:
        if not self._is_on:
            worker = start_worker(
                client, perform_ping_check=False, queues=["query"], shutdown_timeout=30
            )
            self._running.enter_context(worker)
            self._is_on = True

    def off(self) -> None:
        self._running.close()
        self._is_on = False


# One for the process, whichever folders' tests run in it.
SWITCH = WorkerSwitch()


def index(image, data: bytes, version) -> None:
    """Put an image's point where a bulk worker would put it."""
    store = open_index(version)
    store.ensure()
    payload = Payload(
        image_id=image.pk,
        kind="whole",
        labels=(),
        medium=image.medium,
        tags=(),
        albums=(),
        created_at=image.created_at,
    )
    key = point_id(sha256=image.sha256, kind="whole", ordinal=0, encoder_version=version.pk)
    store.upsert([Point(id=key, embedding=embed(data), payload=payload)])
