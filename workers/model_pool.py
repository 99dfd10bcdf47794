"""The models of this process: loaded on first use, in the child, and kept."""

import logging
import time
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings

from kernel.errors import DefectError
from ml.encoders import registry
from ml.encoders.base import Encoder
from vectors.index import VectorIndex
from worker_api.encoders import LiveEncoder, live_encoder, open_index

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Loaded:
    """An encoder in memory, its version, and the collection that its embeddings go to."""

    version: LiveEncoder
    encoder: Encoder
    index: VectorIndex


def get() -> Loaded:
    """Return the live encoder, loading it if this process has another one or none.

    Raises:
        TransientError: no encoder was chosen yet.
        MlError: the weights cannot be loaded.
        DefectError: "encoder:ours:weights-changed": what lies on disk is not what filled the
            collection; comparing the two would be meaningless.
    """
    return _load(live_encoder())


@lru_cache(maxsize=1)  # an encoder that is live no longer leaves the memory
def _load(version: LiveEncoder) -> Loaded:
    started = time.perf_counter()
    encoder = registry.load(
        version.choice,
        device=settings.ENCODER_DEVICE,
        batch_size=settings.ENCODER_BATCH_SIZE,
        cache_dir=settings.MODELS_DIR,
    )
    _check_same(version, encoder)
    logger.info(
        "encoder loaded",
        extra={"encoder": version.choice, "s": round(time.perf_counter() - started, 2)},
    )
    return Loaded(version=version, encoder=encoder, index=open_index(version))


def _check_same(version: LiveEncoder, encoder: Encoder) -> None:
    recorded = (version.weights_sha256, version.preprocessing_sha256, version.dim)
    spec = encoder.spec
    if recorded != (spec.weights_sha256, spec.preprocess.sha256(), spec.dim):
        raise DefectError(
            "encoder:ours:weights-changed", choice=version.choice, weights=spec.weights
        )
