from dataclasses import replace

import pytest

from catalog.models import EncoderVersion
from kernel.errors import TransientError
from worker_api import encoders
from worker_api.encoders import EncoderFacts, LiveEncoder

pytestmark = pytest.mark.django_db

FACTS = EncoderFacts(
    encoder="clip",
    choice="clip:a/b",
    weights="a/b@c",
    weights_sha256="0" * 64,
    preprocessing_sha256="1" * 64,
    dim=3,
    precision="bfloat16",
    probe=b"a row",
    reason="It was asked for.",
)


def test_no_encoder_was_chosen_yet() -> None:
    assert encoders.find_live() is None
    for ask in (encoders.live_encoder, encoders.ensure_collection):
        with pytest.raises(TransientError) as caught:
            ask()
        assert caught.value.code == "encoder:transient:not-chosen"


def test_the_first_encoder_is_recorded_whole() -> None:
    live = encoders.record_first(FACTS)

    row = EncoderVersion.objects.get()
    assert live == LiveEncoder(
        id=row.pk,
        choice="clip:a/b",
        weights_sha256="0" * 64,
        preprocessing_sha256="1" * 64,
        dim=3,
        precision="bfloat16",
        probe=b"a row",
        collection="regions__clip__v1",
        detector="",
        detector_weights_sha256="",
        knows_words=None,
    )
    assert (row.encoder, row.weights, row.reason) == ("clip", "a/b@c", "It was asked for.")
    assert row.state == EncoderVersion.State.LIVE
    assert encoders.find_live() == live


def test_the_precision_is_recorded_once() -> None:
    live = encoders.record_first(replace(FACTS, precision="", probe=b""))
    assert (live.precision, live.probe) == ("", b"")

    first = encoders.record_precision(live, precision="float32", probe=b"one")
    second = encoders.record_precision(live, precision="bfloat16", probe=b"two")

    assert first == second == replace(live, precision="float32", probe=b"one")


def test_workers_wait_until_the_detector_is_chosen_too() -> None:
    live = encoders.record_first(FACTS)
    with pytest.raises(TransientError) as caught:
        encoders.live_encoder()
    assert caught.value.code == "encoder:transient:not-chosen"

    chosen = encoders.record_detector(live, choice="none", weights_sha256="", reason="Asked.")

    assert encoders.live_encoder() == chosen


def test_the_detector_is_recorded_once() -> None:
    live = encoders.record_first(FACTS)

    first = encoders.record_detector(live, choice="yolo", weights_sha256="2" * 64, reason="Asked.")
    second = encoders.record_detector(live, choice="none", weights_sha256="", reason="Later.")

    assert (first.detector, first.detector_weights_sha256) == ("yolo", "2" * 64)
    assert second == first
    assert EncoderVersion.objects.get().detector_reason == "Asked."


def test_a_collection_of_an_earlier_version_is_never_used_again() -> None:
    EncoderVersion.objects.create(
        encoder="clip", choice="clip", dim=3, collection="regions__clip__v1", state="retired"
    )

    assert encoders.record_first(FACTS).collection == "regions__clip__v2"


def test_the_live_collection_is_opened() -> None:
    index = encoders.open_index(encoders.record_first(FACTS))

    assert (index.spec.name, index.spec.dim) == ("regions__clip__v1", 3)
