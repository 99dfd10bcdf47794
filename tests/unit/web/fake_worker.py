"""A query worker inside the test process, on the real queue: Celery's memory transport.

Its encoder is deterministic and meaningful: a picture's embedding is the mean colour of each cell
of a grid, so pictures that look alike have a high score and the order of hits can be foretold.
"""

import io
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from typing import Any
from uuid import uuid4

import numpy as np
from celery.contrib.testing.worker import start_worker
from celery.signals import setup_logging
from numpy.typing import NDArray
from PIL import Image

from catalog.services import editable_payload
from catalog.vector_store import open_index
from jobs.broker import client
from kernel.ids import point_id
from kernel.regions import FoundRegion
from kernel.task_messages import (
    Box,
    ComparedRegions,
    CompareRegionsRequest,
    Copy,
    EmbeddedWords,
    EmbedWordsRequest,
    ErrorAnswer,
    ExtractedQuery,
    ExtractQueryRequest,
    FindCopiesRequest,
    FoundCopies,
    JsonObject,
    QueryRegion,
    RegionHash,
)
from kernel.task_names import COMPARE_REGIONS, EMBED_WORDS, EXTRACT_QUERY, FIND_COPIES
from ml.rules.layout import Layout
from ml.rules.media import Medium
from vectors.index import Payload, Point
from worker_api.queries import read_query

GRID = 4
DIM = GRID * GRID * 3 + 1
COLOURS = {"red": (220, 30, 30), "зелёный": (30, 200, 60), "blue": (40, 60, 220)}
_answers: dict[str, Any] = {}
_NO_CELLS = ComparedRegions(5, 8, None, 1.0)
_may_prove = threading.Event()
_may_prove.set()
_may_extract = threading.Event()
_may_extract.set()


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


@setup_logging.connect
def keep_logging(**_: object) -> None:
    """Celery would let the whole test process log errors alone, in whatever test comes next."""


@client.task(name=EXTRACT_QUERY, shared=False)
def extract_query(**arguments: object) -> JsonObject:
    if _answers["raw"] is not None:
        return _answers["raw"]
    if _answers["error"]:
        return ErrorAnswer(_answers["error"], _answers["context"]).to_json()
    request = ExtractQueryRequest.from_json(arguments)
    _answers["extract_requests"].append(request)
    _may_extract.wait(timeout=30)
    query = request.query
    data = read_query(query)
    full_image = QueryRegion("whole", 0, (0, 0, query.width, query.height))
    regions = (full_image, *_answers["regions"])
    boxes = [one.box for one in regions] if request.box is None else [request.box]
    return ExtractedQuery(
        encoder_version=_answers["version"],
        layout=_answers["layout"],
        regions=regions,
        box=request.box,
        embeddings=np.stack([embed(data, box) for box in boxes]),
        are_plain=(_answers["is_plain"],) * len(boxes),
        model_ms=12.5,
        medium=_answers["medium"],
    ).to_json()


def embed_words(words: str) -> NDArray[np.float32]:
    """(DIM,) float32, unit length: what a picture that is all of the named colour would have."""
    buffer = io.BytesIO()
    Image.new("RGB", (GRID, GRID), COLOURS.get(words, "grey")).save(buffer, "PNG")
    return embed(buffer.getvalue())


@client.task(name=EMBED_WORDS, shared=False)
def words_task(**arguments: object) -> JsonObject:
    if _answers["error"]:
        return ErrorAnswer(_answers["error"], _answers["context"]).to_json()
    request = EmbedWordsRequest.from_json(arguments)
    return EmbeddedWords(_answers["version"], embed_words(request.words), 8.5).to_json()


@client.task(name=FIND_COPIES, shared=False)
def find_copies(**arguments: object) -> JsonObject:
    request = FindCopiesRequest.from_json(arguments)
    _answers.update(copies_request=request)
    _may_prove.wait(timeout=30)
    if _answers["copies_error"] == "crash":
        raise RuntimeError
    if _answers["copies_error"]:
        return ErrorAnswer(_answers["copies_error"], {}).to_json()
    boxes = [each.box for each in request.regions]
    return FoundCopies(
        copies=tuple(tuple(_answers["copies"].get(box, ())) for box in boxes),
        are_checked=tuple(box not in _answers["unchecked"] for box in boxes),
        unchecked_ids=tuple(
            each.region_ids if each.box in _answers["unchecked"] else () for each in request.regions
        ),
        hashes=tuple(_answers["hashes"].get(box) for box in boxes),
        model_ms=4.0,
    ).to_json()


@client.task(name=COMPARE_REGIONS, shared=False)
def compare_regions(**arguments: object) -> JsonObject:
    request = CompareRegionsRequest.from_json(arguments)
    _answers.update(compare_request=request)
    if isinstance(_answers["compared"], str):
        return ErrorAnswer(_answers["compared"], {}).to_json()
    return _answers["compared"].to_json()


def last_compare_request() -> CompareRegionsRequest | None:
    """What was last asked of a pair of regions, since the answers were chosen."""
    return _answers["compare_request"]


def answer_with(
    *,
    version_id: int = 0,
    error: str = "",
    layout: Layout = Layout.SINGLE,
    regions: Sequence[QueryRegion] = (),
    copies: Mapping[Box, Sequence[Copy]] | None = None,
    copies_error: str = "",
    hashes: Mapping[Box, RegionHash] | None = None,
    unchecked: Collection[Box] = (),
    is_plain: bool = False,
    medium: Medium = Medium.UNKNOWN,
    compared: ComparedRegions | str = _NO_CELLS,
    raw: JsonObject | None = None,
    **context: object,
) -> None:
    """Choose what the next queries are answered with: regions beside the full image, or an error.

    `copies` and `hashes` are by the box of the region that they are of; for the boxes `unchecked`
    the time did not suffice; `is_plain` says so of all regions; `compared` is what is said of a
    pair of regions, or an error's code; `raw` is an answer as it is.
    """
    _answers.update(version=version_id, error=error, context=context, raw=raw)
    _answers.update(layout=layout, regions=tuple(regions), copies=copies or {})
    _answers.update(copies_error=copies_error, copies_request=None, unchecked=unchecked)
    _answers.update(hashes=hashes or {})
    _answers.update(extract_requests=[], is_plain=is_plain, medium=medium)
    _answers.update(compared=compared, compare_request=None)


@contextmanager
def held_extraction() -> Iterator[None]:
    """Queries that are new are not answered before this ends."""
    _may_extract.clear()
    try:
        yield
    finally:
        _may_extract.set()


@contextmanager
def held_proofs() -> Iterator[None]:
    """Copies are not answered before this ends."""
    _may_prove.clear()
    try:
        yield
    finally:
        _may_prove.set()


def extract_requests() -> list[ExtractQueryRequest]:
    """What was asked of the models since the answers were chosen."""
    return _answers["extract_requests"]


def last_copies_request() -> FindCopiesRequest | None:
    """What was last asked when copies were searched, since the answers were chosen."""
    return _answers["copies_request"]


class WorkerSwitch:
    """One worker thread for many tests: stopping it takes seconds, so only who must does."""

    def __init__(self) -> None:
        self._running = ExitStack()
        self._is_on = False

    def on(self) -> None:
        if not self._is_on:
            worker = start_worker(
                client,
                perform_ping_check=False,
                queues=["query"],
                hostname="query@tests",
                shutdown_timeout=30,
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
            side=max(image.width, image.height),
            is_unsure=region.kind == "object" and not region.label,
            **asdict(editable_payload(image)),
            created_at=image.created_at,
        )
        key = point_id(sha256=image.sha256, region=region.key, encoder_version=version.pk)
        row = embed(data, (region.x0, region.y0, region.x1, region.y1))
        store.upsert([Point(id=key, embedding=row, payload=payload)])
