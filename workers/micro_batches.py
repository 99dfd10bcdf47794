"""Micro-batching: what several searches want of a model at a time goes through it at once."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.detection.base import Detection, Detector, DetectorSpec
from ml.encoders.base import Encoder, EncoderSpec, FeatureMap, FeatureMapper

# Pictures of all searches that one pass takes along: a large one must not wait for ever more.
MAX_PICTURES = 32

Row = TypeVar("Row")


class _Caller(Generic[Row]):
    """One caller's pictures, and what became of them."""

    def __init__(self, images: Sequence[Image.Image]) -> None:
        self.images = images
        self.rows: Sequence[Row] | None = None
        self.error: Exception | None = None

    @property
    def is_answered(self) -> bool:
        return self.rows is not None or self.error is not None


class MicroBatches(Generic[Row]):
    """Runs a model for several threads, in one thread at a time.

    Nobody waits for company: while a pass runs, others gather, and the next pass takes them along.
    """

    def __init__(self, run: Callable[[Sequence[Image.Image]], Iterable[Row]]) -> None:
        """Take over a model.

        Args:
            run: pictures → a row each, in their order.
        """
        self._run = run
        self._passing = threading.Lock()
        self._gathering = threading.Lock()
        self._waiting: deque[_Caller[Row]] = deque()

    def __call__(self, images: Sequence[Image.Image]) -> Sequence[Row]:
        """Return the model's rows for the pictures.

        Raises:
            Exception: what the model raises for these pictures; those of others do not matter.
        """
        asked: _Caller[Row] = _Caller(images)
        with self._gathering:
            self._waiting.append(asked)
        while not asked.is_answered:
            with self._passing:
                if not asked.is_answered:  # else another thread took it along
                    self._pass()
        if asked.error is not None:
            raise asked.error
        return asked.rows or []

    def _pass(self) -> None:
        """Answer those who wait longest, as many as fit."""
        taken = self._take()
        try:
            rows = iter(self._run([image for asked in taken for image in asked.images]))
            for asked in taken:
                asked.rows = [next(rows) for _ in asked.images]
        except Exception as error:  # noqa: BLE001  # each is raised in the thread that asked
            if len(taken) == 1:
                taken[0].error = error
                return
            for asked in taken:
                self._pass_alone(asked)

    def _pass_alone(self, asked: _Caller[Row]) -> None:
        try:
            asked.rows = list(self._run(asked.images))
        except Exception as error:  # noqa: BLE001  # as above
            asked.error = error

    def _take(self) -> list[_Caller[Row]]:
        with self._gathering:
            taken = [self._waiting.popleft()]
            pictures = len(taken[0].images)
            while self._waiting and pictures + len(self._waiting[0].images) <= MAX_PICTURES:
                taken.append(self._waiting.popleft())
                pictures += len(taken[-1].images)
        return taken


class MicroBatchedEncoder:
    """An `Encoder` for several threads; each row is what it would be alone."""

    def __init__(self, encoder: Encoder) -> None:
        """Take over a loaded encoder."""
        self._spec = encoder.spec
        self._mapper = encoder if isinstance(encoder, FeatureMapper) else None
        self._batches: MicroBatches[NDArray[np.float32]] = MicroBatches(encoder.encode)

    @property
    def spec(self) -> EncoderSpec:
        """See `Encoder.spec`."""
        return self._spec

    def feature_maps(self, images: Sequence[Image.Image]) -> list[FeatureMap] | None:
        """See `FeatureMapper.feature_maps`; None too of an encoder that knows nothing of maps."""
        return None if self._mapper is None else self._mapper.feature_maps(images)

    def encode(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """See `Encoder.encode`."""
        rows = self._batches(images)
        return np.stack(rows) if rows else np.empty((0, self._spec.dim), np.float32)


class MicroBatchedDetector:
    """A `Detector` for several threads."""

    def __init__(self, detector: Detector) -> None:
        """Take over a loaded detector."""
        self._spec = detector.spec
        self._batches: MicroBatches[tuple[Detection, ...]] = MicroBatches(detector.detect)

    @property
    def spec(self) -> DetectorSpec:
        """See `Detector.spec`."""
        return self._spec

    def detect(self, images: Sequence[Image.Image]) -> list[tuple[Detection, ...]]:
        """See `Detector.detect`."""
        return list(self._batches(images))
