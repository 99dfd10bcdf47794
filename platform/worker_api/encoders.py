"""The encoder version that workers load, and the record of the first choice."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from catalog import services, vector_store
from catalog.models import EncoderVersion
from catalog.selectors import find_live_encoder, get_live_encoder
from kernel.errors import TransientError
from vectors.index import VectorIndex
from vectors.schema import collection_name


@dataclass(frozen=True, slots=True)
class LiveEncoder:
    """What the catalogue's embeddings were made with; a worker must load exactly this.

    `detector` is "" until one was chosen; `precision` is "" and `probe` empty until they were
    recorded. `probe` is the embedding of a fixed picture, bytes of (dim,) float32. `knows_words` is
    None until it was found out.
    """

    id: int
    choice: str
    weights_sha256: str
    preprocessing_sha256: str
    dim: int
    precision: str
    probe: bytes
    collection: str
    detector: str
    detector_weights_sha256: str
    knows_words: bool | None


@dataclass(frozen=True, slots=True)
class EncoderFacts:
    """An encoder as it was loaded, before it has a version."""

    encoder: str
    choice: str
    weights: str
    weights_sha256: str
    preprocessing_sha256: str
    dim: int
    precision: str
    probe: bytes
    reason: str


def live_encoder() -> LiveEncoder:
    """Return the live encoder version.

    Raises:
        TransientError: "encoder:transient:not-chosen": `workers.prepare` has not run yet, or has
            not chosen a detector yet.
    """
    version = _frozen(get_live_encoder())
    if not version.detector:
        raise TransientError("encoder:transient:not-chosen")
    return version


def find_live() -> LiveEncoder | None:
    """Return the live encoder version, or None where none was chosen yet."""
    version = find_live_encoder()
    return None if version is None else _frozen(version)


@transaction.atomic
def record_first(facts: EncoderFacts) -> LiveEncoder:
    """Record the encoder that this catalogue will use, and make it live.

    Where another process was faster, its choice stands and is returned.
    """
    live = find_live()
    if live is not None:
        return live
    number = EncoderVersion.objects.filter(encoder=facts.encoder).count() + 1
    version = EncoderVersion.objects.create(
        encoder=facts.encoder,
        choice=facts.choice,
        weights=facts.weights,
        weights_sha256=facts.weights_sha256,
        preprocessing_sha256=facts.preprocessing_sha256,
        dim=facts.dim,
        precision=facts.precision,
        probe=facts.probe,
        collection=collection_name(facts.encoder, number),
        reason=facts.reason,
    )
    services.make_live(version)
    return _frozen(version)


def record_precision(version: LiveEncoder, *, precision: str, probe: bytes) -> LiveEncoder:
    """Record what a version of an earlier release computes in, and its embedding of the probe.

    Where another process was faster, what it recorded stands and is returned.
    """
    EncoderVersion.objects.filter(pk=version.id, precision="").update(
        precision=precision, probe=probe
    )
    return _frozen(EncoderVersion.objects.get(pk=version.id))


def record_words(version: LiveEncoder, *, knows_words: bool) -> LiveEncoder:
    """Record whether the catalogue can be searched with words."""
    EncoderVersion.objects.filter(pk=version.id).update(knows_words=knows_words)
    return _frozen(EncoderVersion.objects.get(pk=version.id))


def record_detector(
    version: LiveEncoder, *, choice: str, weights_sha256: str, reason: str
) -> LiveEncoder:
    """Record what finds this catalogue's objects.

    Where another process was faster, its choice stands and is returned.
    """
    EncoderVersion.objects.filter(pk=version.id, detector="").update(
        detector=choice, detector_weights_sha256=weights_sha256, detector_reason=reason
    )
    return _frozen(EncoderVersion.objects.get(pk=version.id))


def record_calibration(version: LiveEncoder, calibration: Mapping[str, Any]) -> None:
    """Keep what the scores of an encoder version mean; see `catalog.services`.

    Raises:
        UserInputError: it is damaged, or of other weights or another preprocessing.
    """
    services.record_calibration(EncoderVersion.objects.get(pk=version.id), calibration)


def open_index(version: LiveEncoder) -> VectorIndex:
    """Return the collection of an encoder version."""
    return vector_store.open_index(EncoderVersion.objects.get(pk=version.id))


def ensure_collection() -> None:
    """Create the live collection where it is missing.

    Raises:
        TransientError: the store is away, or no encoder was chosen yet.
        DefectError: a collection of that name has another shape.
    """
    vector_store.open_index(get_live_encoder()).ensure()


def _frozen(version: EncoderVersion) -> LiveEncoder:
    return LiveEncoder(
        id=version.pk,
        choice=version.choice,
        weights_sha256=version.weights_sha256,
        preprocessing_sha256=version.preprocessing_sha256,
        dim=version.dim,
        precision=version.precision,
        probe=bytes(version.probe or b""),
        collection=version.collection,
        detector=version.detector,
        detector_weights_sha256=version.detector_weights_sha256,
        knows_words=version.knows_words,
    )
