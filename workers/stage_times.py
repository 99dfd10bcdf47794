"""How much CPU time each stage of indexing takes a picture, alone and in a worker's batches.

The stages are the workers' own functions, in their order, each fed with what the one before it
gave. The full image's thumbnail is made when a file is taken in, in the web, and is not among them.
"""

import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

from PIL import Image

from ml.copies import features, pdq
from ml.detection.base import Detector
from ml.encoders.base import Encoder
from ml.panels import split
from ml.rules.regions import FULL_IMAGE, OBJECT, PANEL
from workers.indexing import thumbnail
from workers.pictures import UprightPicture, decode_picture
from workers.regions import PictureRegion, segment

_MS = 1000.0

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class StageTime:
    """CPU milliseconds a picture in one stage.

    Attributes:
        name: of the stage.
        alone_ms: a picture at a time.
        batched_ms: in batches, as the workers do it; a stage that looks at one picture after
            another in a batch, too, has the same figure here.
    """

    name: str
    alone_ms: float
    batched_ms: float


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: what it is given for each picture, and what it does with those of a batch."""

    name: str
    inputs: Sequence[Any]
    run: Callable[[Sequence[Any]], object]
    is_batched: bool = False


def measure(
    files: Sequence[bytes],
    encoder: Encoder,
    detector: Detector,
    *,
    batch_size: int,
    rounds: int,
    clock: Clock = time.process_time,
) -> list[StageTime]:
    """Time every stage on the same pictures, a round of all stages after another.

    Args:
        files: N ≥ 1 picture files that can be read.
        encoder: whose embeddings are timed.
        detector: whose detections are.
        batch_size: pictures a batch.
        rounds: how often each is timed, ≥ 1; the median counts. A first pass over one batch does
            not.
        clock: CPU seconds, of which only differences matter.

    Returns:
        The stages in their order.
    """
    stages = _stages(files, encoder, detector)
    for stage in stages:
        _run(stage, 1, limit=batch_size)
        _run(stage, batch_size, limit=batch_size)
    alone: list[list[float]] = [[] for _ in stages]
    batched: list[list[float]] = [[] for _ in stages]
    for _ in range(rounds):
        for number, stage in enumerate(stages):
            alone[number].append(_seconds(partial(_run, stage, 1), clock))
            if stage.is_batched:
                batched[number].append(_seconds(partial(_run, stage, batch_size), clock))
    return [
        StageTime(
            stage.name,
            _MS * median(singly) / len(files),
            _MS * median(together if stage.is_batched else singly) / len(files),
        )
        for stage, singly, together in zip(stages, alone, batched, strict=True)
    ]


def table(times: Sequence[StageTime]) -> str:
    """Return the times as lines for a terminal, their sums last."""
    total = StageTime(
        "all", sum(each.alone_ms for each in times), sum(each.batched_ms for each in times)
    )
    rows = [
        f"{each.name:<28}{each.alone_ms:10.2f}{each.batched_ms:12.2f}" for each in (*times, total)
    ]
    head = f"{'CPU ms a picture':<28}{'alone':>10}{'in batches':>12}"
    return "\n".join([head, *rows])


def _stages(files: Sequence[bytes], encoder: Encoder, detector: Detector) -> list[Stage]:
    sized = [_sized(data) for data in files]
    pictures = [_decode(each) for each in sized]
    regions = [each.regions for each in segment(pictures, detector)]

    def encode(batch: Sequence[Sequence[PictureRegion]]) -> object:
        return encoder.encode([one.picture.image for regions in batch for one in regions])

    def of(*kinds: str) -> list[list[PictureRegion]]:
        return [[one for one in those if one.key.kind in kinds] for those in regions]

    # In a collage objects are looked for in its panels.
    scenes = [parts or full for full, parts in zip(of(FULL_IMAGE), of(PANEL), strict=True)]
    return [
        Stage("decode", sized, partial(_each, _decode)),
        Stage("split into panels", pictures, partial(_each, lambda one: split(one.pixels))),
        Stage("detect objects", scenes, partial(_detect, detector), is_batched=True),
        Stage("embed the full image", of(FULL_IMAGE), encode, is_batched=True),
        Stage("embed panels and objects", of(PANEL, OBJECT), encode, is_batched=True),
        Stage("local features", of(FULL_IMAGE, PANEL), _on_regions(features.extract)),
        Stage("PDQ hash", of(FULL_IMAGE, PANEL), _on_regions(pdq.pdq_hash)),
        Stage("thumbnails", of(PANEL, OBJECT), _thumbnails),
    ]


def _sized(data: bytes) -> tuple[bytes, int, int]:
    with Image.open(io.BytesIO(data)) as opened:
        return data, *opened.size


def _decode(sized: tuple[bytes, int, int]) -> UprightPicture:
    data, width, height = sized
    return decode_picture(data, width=width, height=height)


def _each(work: Callable[[Any], object], batch: Sequence[Any]) -> None:
    for one in batch:
        work(one)


def _detect(detector: Detector, batch: Sequence[Sequence[PictureRegion]]) -> object:
    return detector.detect([one.picture.image for scenes in batch for one in scenes])


def _on_regions(work: Callable[[Any], object]) -> Callable[[Sequence[Any]], None]:
    def run(batch: Sequence[Sequence[PictureRegion]]) -> None:
        for regions in batch:
            for region in regions:
                work(region.picture.pixels)

    return run


def _thumbnails(batch: Sequence[Sequence[PictureRegion]]) -> None:
    for regions in batch:
        for region in regions:
            thumbnail(region.picture)


def _run(stage: Stage, batch_size: int, *, limit: int | None = None) -> None:
    inputs = stage.inputs[:limit]
    for start in range(0, len(inputs), batch_size):
        stage.run(inputs[start : start + batch_size])


def _seconds(work: Callable[[], object], clock: Clock) -> float:
    started = clock()
    work()
    return clock() - started
