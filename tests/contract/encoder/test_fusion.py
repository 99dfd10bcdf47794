import json
from dataclasses import replace

import pytest
import torch

from ml.encoders import checkpoint, registry
from ml.encoders.families import clip, fusion
from ml.encoders.families.fusion_network import MODES
from ml.errors import CheckpointMismatch, WeightsUnavailable
from ml.weights.hub import Hub
from tests.contract.encoder.checkpoints import (
    BLIP_SIDE_PX,
    CLIP_DIM,
    FUSION_DIM,
    SIDE_PX,
    fusion_network,
    pictures,
    save_fusion,
)
from tests.contract.encoder.test_hub import put_on_disk

CPU = torch.device("cpu")


def encode(network, count=6):
    encoder = network.to_encoder(device=CPU, dtype=torch.float32, batch_size=4)
    return encoder.encode(pictures(count))


@pytest.fixture
def untrained(clip_folder, blip_folder):
    def make(**options):
        return fusion_network(clip_folder, blip_folder, **options)

    return make


def test_untrained_it_is_the_concatenation(untrained):
    assert encode(untrained(mode="fusion")) == pytest.approx(
        encode(untrained(mode="concat")), abs=1e-6
    )


def test_untrained_clip_alone_keeps_the_cosines_of_clip(untrained, clip_folder):
    assert FUSION_DIM > CLIP_DIM  # so that orthonormal columns keep all lengths and angles
    alone = encode(untrained(mode="clip"))
    plain = (
        clip.load_network(Hub().locate(str(clip_folder)))
        .to_encoder(device=CPU, dtype=torch.float32, batch_size=4)
        .encode(pictures(6))
    )

    assert alone @ alone.T == pytest.approx(plain @ plain.T, abs=1e-5)


def test_trained_modes_differ(tmp_path, clip_folder, blip_folder):
    rows = {
        mode: encode(save_fusion(tmp_path / mode, clip_folder, blip_folder, mode=mode))
        for mode in MODES
    }

    for left in MODES:
        for right in MODES:
            cosines = (rows[left] * rows[right]).sum(axis=1)
            assert (cosines.min() > 0.9999) == (left == right)


@pytest.mark.parametrize(
    ("mode", "size_px", "resize"),
    [
        ("fusion", BLIP_SIDE_PX, "squash"),
        ("concat", BLIP_SIDE_PX, "squash"),
        ("clip", SIDE_PX, "shortest_side"),
        ("blip", BLIP_SIDE_PX, "squash"),
    ],
)
def test_the_input_is_that_of_the_larger_tower(untrained, clip_folder, mode, size_px, resize):
    preprocess = untrained(mode=mode).preprocess

    assert (preprocess.size_px, preprocess.resize) == (size_px, resize)
    clips_own = clip.load_network(Hub().locate(str(clip_folder))).preprocess
    assert (preprocess.mean == clips_own.mean) == (mode != "blip")


@pytest.mark.parametrize("mode", MODES)
def test_what_is_saved_is_loaded_again(tmp_path, clip_folder, blip_folder, mode):
    saved = save_fusion(tmp_path / "run", clip_folder, blip_folder, mode=mode)
    expected = encode(saved)

    for choice in (str(tmp_path / "run"), f"clip_blip_fusion:{tmp_path / 'run'}"):
        again = registry.load_network(choice)
        assert (again.weights, again.weights_sha256) == ("run", saved.weights_sha256)
        assert again.preprocess == saved.preprocess
        assert encode(again) == pytest.approx(expected, abs=1e-6)


def test_the_seed_decides_the_new_weights(untrained):
    first, same = untrained(seed=3), untrained(seed=3)
    other = untrained(seed=4)

    name = "blocks.0.clip.attention.query.weight"
    weights = first.module.get_parameter(name)
    assert torch.equal(weights, same.module.get_parameter(name))
    assert not torch.equal(weights, other.module.get_parameter(name))
    assert first.weights_sha256 == same.weights_sha256
    assert first.weights_sha256 != other.weights_sha256


def test_the_first_step_already_trains_the_cross_attention(untrained):
    module = untrained().module
    inputs = torch.rand(
        2, 3, BLIP_SIDE_PX, BLIP_SIDE_PX, generator=torch.Generator().manual_seed(1)
    )

    module(inputs)[:, 0].sum().backward()

    for direction in ("clip", "blip"):
        for branch in ("attention.out", "out"):
            gradient = module.get_parameter(f"blocks.1.{direction}.{branch}.weight").grad
            assert gradient is not None
            assert float(gradient.abs().max()) > 1e-8


@pytest.mark.parametrize("frozen", ["clip", "blip"])
def test_a_frozen_tower_keeps_nothing_for_a_backward_pass(untrained, frozen):
    module = untrained().module
    module.get_submodule(frozen).requires_grad_(requires_grad=False)
    has_gradients = {}
    for name in ("clip", "blip"):
        module.get_submodule(f"{name}.vision_model").register_forward_hook(
            lambda _module, _inputs, outputs, name=name: has_gradients.update(
                {name: outputs.last_hidden_state.requires_grad}
            )
        )

    module(torch.zeros(1, 3, BLIP_SIDE_PX, BLIP_SIDE_PX)).sum().backward()

    assert has_gradients == {name: name != frozen for name in ("clip", "blip")}
    trained = {name.split(".")[0] for name, p in module.named_parameters() if p.grad is not None}
    assert trained == {"clip", "blip", "blocks", "pools", "projection"} - {frozen}


def test_the_towers_come_from_the_hub(tmp_path, clip_folder, blip_folder):
    put_on_disk(tmp_path, fusion.CLIP_WEIGHTS, clip_folder)
    put_on_disk(tmp_path, fusion.BLIP_WEIGHTS, blip_folder)

    network = registry.load_network("clip_blip_fusion", cache_dir=tmp_path)
    served = registry.load("clip_blip_fusion:concat", device="cpu", cache_dir=tmp_path)

    commit = "a" * 40
    assert network.weights == (
        f"openai/clip-vit-base-patch32@{commit} + Salesforce/blip-itm-base-coco@{commit}"
    )
    assert network.config["mode"] == "fusion"
    assert served.encode(pictures(2)).shape == (2, 512)


def test_a_tower_that_is_missing_is_named(clip_folder):
    with pytest.raises(WeightsUnavailable, match="no folder /no/such/blip"):
        fusion.load_network(clip_weights=str(clip_folder), blip_weights="/no/such/blip")


def test_a_tower_of_another_kind_is_refused(clip_folder, blip_folder):
    with pytest.raises(CheckpointMismatch, match=r"'blip' checkpoint.*takes a CLIP check"):
        fusion.load_network(clip_weights=str(blip_folder), blip_weights=str(blip_folder))
    with pytest.raises(CheckpointMismatch, match="'blip' checkpoint; encoder clip runs CLIP and"):
        registry.load(f"clip:{blip_folder}", device="cpu")


@pytest.mark.parametrize(
    "options",
    [
        {"mode": "both"},
        {"pooling": "max"},
        {"dim": 0},
        {"depth": 0},
        {"heads": 5},
        {"width": 2.5},
    ],
    ids=str,
)
def test_a_network_that_cannot_be_is_refused(options):
    with pytest.raises(ValueError, match=r"mode|pooling|dim|heads"):
        replace(fusion.DEFAULT_CONFIG, **options)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"mode": "concat"}, "Unexpected key"),
        ({"mode": "clip"}, "mode clip has the towers clip"),
        ({"heads": 7}, "cannot be divided"),
        ({"towers": {}}, "has the towers clip, blip"),
        ({"towers": None}, "cannot be read"),
    ],
    ids=str,
)
def test_a_checkpoint_whose_config_is_another_networks_is_refused(
    tmp_path, clip_folder, blip_folder, change, reason
):
    save_fusion(tmp_path, clip_folder, blip_folder)
    path = tmp_path / checkpoint.CONFIG
    config = json.loads(path.read_text())
    config["network"] |= change
    path.write_text(json.dumps(config))

    with pytest.raises(CheckpointMismatch, match=reason):
        registry.load(str(tmp_path), device="cpu")
