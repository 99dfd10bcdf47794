import json
import shutil
from pathlib import Path

import pytest
import torch
from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModelWithProjection

from ml.encoders import presets, registry
from ml.errors import CheckpointMismatch
from ml.weights.hub import Hub
from tests.contract.encoder.checkpoints import pictures
from tests.contract.encoder.hub_server import COMMIT


@pytest.fixture(scope="module")
def clip_of_224_px(tmp_path_factory) -> Path:
    """A small network that takes pictures as the published one does."""
    folder = tmp_path_factory.mktemp("preset")
    torch.manual_seed(1)
    config = CLIPVisionConfig(
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        projection_dim=16,
        image_size=224,
        patch_size=56,
    )
    CLIPVisionModelWithProjection(config).save_pretrained(folder)
    CLIPImageProcessor().save_pretrained(folder)
    return folder


@pytest.fixture
def cache(tmp_path, clip_of_224_px) -> Path:
    """The hub's cache with the default preset's repository in it."""
    name = presets.read(presets.DEFAULT).hub_id.replace("/", "--")
    root = tmp_path / "cache" / f"models--{name}"
    shutil.copytree(clip_of_224_px, root / "snapshots" / COMMIT)
    (root / "refs").mkdir()
    (root / "refs" / "main").write_text(COMMIT)
    return tmp_path / "cache"


@pytest.mark.parametrize("choice", ["clip", f"clip:{presets.DEFAULT}"])
def test_a_preset_is_loaded_by_its_name(cache, choice):
    encoder = registry.load(choice, device="cpu", cache_dir=cache)

    assert encoder.spec.preprocess == presets.read(presets.DEFAULT).preprocess
    assert encoder.spec.weights == f"openai/clip-vit-base-patch32@{COMMIT}"
    assert encoder.encode(pictures(2)).shape == (2, 16)


def test_a_repository_of_another_preprocessing_is_refused(cache):
    reference = presets.read(presets.DEFAULT).reference
    config = Hub(cache).locate(reference).folder / "preprocessor_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"image_mean": [0.5, 0.5, 0.5]}))

    with pytest.raises(CheckpointMismatch, match="as the preset says") as error:
        registry.load("clip", device="cpu", cache_dir=cache)

    assert error.value.code == "ml:checkpoint-mismatch"
    assert registry.load(f"clip:{reference}", device="cpu", cache_dir=cache).spec.dim == 16
