"""A query worker inside the test process, on the real queue: Celery's memory transport.

Its encoder is deterministic and meaningful: a picture's embedding is the mean colour of each cell
of a grid, so pictures that look alike have a high score and the order of hits can be foretold.
"""

import base64
import io
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any
from uuid import UUID, uuid4

import numpy as np
from celery.contrib.testing.worker import start_worker
from numpy.typing import NDArray
from PIL import Image

from catalog.vector_store import open_index
from jobs.broker import client
from kernel.ids import point_id
from kernel.regions import FoundRegion
from kernel.task_names import DESCRIBE_QUERY, FIND_COPIES
from search import query_files
from vectors.index import Payload, Point

GRID = 4
DIM = GRID * GRID * 3 + 1
_answers: dict[str, Any] = {}


def embed(data: bytes, box: Sequence[int] | None = None) -> NDArray[np.float32]:
    """(DIM,) float32, unit length: grid means of R, G, B around mid-grey, and a constant."""
    with Image.open(io.BytesIO(data)) as picture:
        part = picture.convert("RGB").crop(box or (0, 0, *picture.size))
        cells = part.resize((GRID, GRID), Image.Resampling.BOX)
    means = np.asarray(cells, dtype=np.float32).ravel() / 255 - 0.5
    embedding = np.append(means, np.float32(0.1))
    return (embedding / np.linalg.norm(embedding)).astype(np.float32)


def new_collection() -> str:
    return f"regions__grid__{uuid4().hex}"


@client.task(name=DESCRIBE_QUERY, shared=False)
def describe_query(
    *, query_id: str, width: int, height: int, box: Sequence[int] | None = None
) -> dict[str, object]:
    if _answers["error"]:
        return {"error": _answers["error"], "context": _answers["context"]}
    data = query_files.read(UUID(query_id))
    whole = {"kind": "whole", "ordinal": 0, "box": [0, 0, width, height]}
    regions = [{"label": "", "confidence": 1.0, **one} for one in (whole, *_answers["regions"])]
    boxes = [one["box"] for one in regions] if box is None else [box]
    rows = np.stack([embed(data, one) for one in boxes])
    return {
        "encoder_version": _answers["version"],
        "layout": _answers["layout"],
        "regions": regions,
        "embeddings": base64.b64encode(rows.astype("<f4").tobytes()).decode(),
        "model_ms": 12.5,
    }


@client.task(name=FIND_COPIES, shared=False)
def find_copies(
    *, query_id: str, width: int, height: int, parts: list[dict[str, Any]], **bounds: Any
) -> dict[str, object]:
    _answers.update(compared=parts, bounds=bounds)
    if _answers["copies_error"] == "crash":
        raise RuntimeError
    if _answers["copies_error"]:
        return {"error": _answers["copies_error"], "context": {}}
    copies = [_answers["copies"].get(tuple(part["box"]), []) for part in parts]
    return {"copies": copies, "model_ms": 4.0}


def answer_with(
    *,
    version_id: int = 0,
    error: str = "",
    layout: str = "single",
    regions: Sequence[dict[str, Any]] = (),
    copies: dict[tuple[int, ...], list[dict[str, Any]]] | None = None,
    copies_error: str = "",
    **context: object,
) -> None:
    """Choose what the next queries are answered with: regions beside the whole, or an error.

    `copies` are by the box of the part that they were found for.
    """
    _answers.update(version=version_id, error=error, context=context)
    _answers.update(layout=layout, regions=list(regions), copies=copies or {}, compared=None)
    _answers.update(copies_error=copies_error)


def last_bounds() -> dict[str, Any]:
    """What the last search for copies was limited by."""
    return _answers["bounds"]


def last_compared() -> list[dict[str, Any]]:
    """The parts that copies were last asked for."""
    return _answers["compared"]


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


def index(image, data: bytes, version, regions: Sequence[FoundRegion]) -> None:
    """Put an image's points where a bulk worker would put them."""
    store = open_index(version)
    store.ensure()
    labels = tuple(sorted({region.label for region in regions if region.label}))
    for region in regions:
        payload = Payload(
            image_id=image.pk,
            kind=region.kind,
            labels=labels,
            medium=image.medium,
            tags=(),
            albums=(),
            created_at=image.created_at,
        )
        key = point_id(sha256=image.sha256, region=region.key, encoder_version=version.pk)
        row = embed(data, (region.x0, region.y0, region.x1, region.y1))
        store.upsert([Point(id=key, embedding=row, payload=payload)])
