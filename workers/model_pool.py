"""The models of this process: loaded on first use, in the child, and kept."""

import logging
import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from django.conf import settings

from kernel.errors import DefectError
from ml.detection import registry as detectors
from ml.detection.base import Detector
from ml.encoders import probe, registry
from ml.encoders.base import Encoder, WordsEncoder
from vectors.index import VectorIndex
from worker_api.encoders import LiveEncoder, live_encoder, open_index
from workers.micro_batches import MicroBatchedDetector, MicroBatchedEncoder

logger = logging.getLogger(__name__)

_LOADING = threading.Lock()  # threads that ask first must not load twice


@dataclass(frozen=True, slots=True)
class Loaded:
    """The models in memory, their version, and the collection that the embeddings go to."""

    version: LiveEncoder
    encoder: Encoder
    detector: Detector
    index: VectorIndex


def get() -> Loaded:
    """Return the live encoder and detector, loading them if this process has others or none.

    Raises:
        TransientError: no encoder was chosen yet.
        MlError: the weights cannot be loaded.
        DefectError: "encoder:ours:weights-changed": what lies on disk is not what filled the
            collection; comparing the two would be meaningless. "encoder:ours:embeds-otherwise":
            the same weights embed otherwise here. "detector:ours:weights-changed": what lies on
            disk is not what found the objects in it.
    """
    version = live_encoder()
    with _LOADING:
        return _load(version)


@lru_cache(maxsize=1)  # an encoder that is live no longer leaves the memory
def _load(version: LiveEncoder) -> Loaded:
    started = time.perf_counter()
    encoder = load_encoder(version.choice, precision=recorded_precision(version))
    detector = load_detector(version.detector)
    _check_encoder(version, encoder)
    _check_probe(version, encoder)
    _check_detector(version, detector)
    logger.info(
        "models loaded",
        extra={
            "encoder": version.choice,
            "detector": version.detector,
            "s": round(time.perf_counter() - started, 2),
        },
    )
    return Loaded(
        version, MicroBatchedEncoder(encoder), MicroBatchedDetector(detector), open_index(version)
    )


def words() -> WordsEncoder:
    """Return what embeds words beside the live encoder's pictures, loading it on first use.

    Raises:
        TransientError: no encoder was chosen yet.
        MlError: the encoder knows no words, or its text tower cannot be loaded.
        DefectError: "encoder:ours:weights-changed": as `get`.
    """
    version = live_encoder()
    with _LOADING:
        return _load_words(version)


@lru_cache(maxsize=1)
def _load_words(version: LiveEncoder) -> WordsEncoder:
    encoder = load_words(version.choice)
    spec = encoder.spec
    if (spec.weights_sha256, spec.dim) != (version.weights_sha256, version.dim):
        raise DefectError("encoder:ours:weights-changed", choice=version.choice)
    return encoder


def load_words(choice: str) -> WordsEncoder:
    """Return what embeds an encoder's words; see `ml.encoders.registry.load_words`."""
    return registry.load_words(
        choice, device=settings.ENCODER_DEVICE, cache_dir=settings.MODELS_DIR
    )


def load_encoder(choice: str, *, precision: str) -> Encoder:
    """Return an encoder as the settings say; see `ml.encoders.registry.load`."""
    return registry.load(choice, precision=precision, **_options())


def load_detector(choice: str) -> Detector:
    """Return a detector as the settings say; see `ml.detection.registry.load`."""
    return detectors.load(choice, **_options())


def _options() -> dict[str, Any]:
    return {
        "device": settings.ENCODER_DEVICE,
        "batch_size": settings.ENCODER_BATCH_SIZE,
        "threads": settings.WORKER_THREADS,
        "cache_dir": settings.MODELS_DIR,
    }


def recorded_precision(version: LiveEncoder) -> str:
    """Return what a version's embeddings were computed in, as `ml.encoders.registry.load` takes it.

    Before it was recorded torch ran every network, packaged ones in float32.
    """
    return version.precision or ("float32" if registry.is_compiled(version.choice) else "auto")


def _check_probe(version: LiveEncoder, encoder: Encoder) -> None:
    """Refuse an encoder that embeds the fixed picture otherwise than the catalogue's did."""
    if not version.probe:
        return
    cosine = float(np.frombuffer(version.probe, np.float32) @ probe.embed(encoder))
    is_same = encoder.spec.precision == version.precision
    if not cosine >= (probe.MIN_COSINE if is_same else probe.MIN_COSINE_TO_OTHER_PRECISION):
        raise DefectError(
            "encoder:ours:embeds-otherwise",
            choice=version.choice,
            precision=encoder.spec.precision,
            cosine=f"{cosine:.4f}",
        )


def _check_encoder(version: LiveEncoder, encoder: Encoder) -> None:
    recorded = (version.weights_sha256, version.preprocessing_sha256, version.dim)
    spec = encoder.spec
    if recorded != (spec.weights_sha256, spec.preprocess.sha256(), spec.dim):
        raise DefectError(
            "encoder:ours:weights-changed", choice=version.choice, weights=spec.weights
        )


def _check_detector(version: LiveEncoder, detector: Detector) -> None:
    if version.detector_weights_sha256 != detector.spec.weights_sha256:
        raise DefectError(
            "detector:ours:weights-changed", choice=version.detector, weights=detector.spec.weights
        )
