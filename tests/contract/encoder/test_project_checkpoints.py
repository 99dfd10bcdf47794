import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from ml.encoders import checkpoint, registry
from ml.encoders.network import EncoderNetwork
from ml.encoders.whitening import Whitening
from ml.errors import CheckpointMismatch, OutputUnwritable
from tests.contract.encoder.checkpoints import pictures, save_fusion

CPU = torch.device("cpu")


def tuned(folder: Path) -> EncoderNetwork:
    """The network in a checkpoint of transformers, every weight moved a little."""
    network = registry.load_network(f"clip:{folder}")
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in network.module.parameters():
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))
    return network


def encode(network: EncoderNetwork) -> np.ndarray:
    encoder = network.to_encoder(device=CPU, dtype=torch.float32, batch_size=4)
    return encoder.encode(pictures(5))


@pytest.fixture
def run(tmp_path, clip_folder) -> Path:
    """A fine-tuned small CLIP, to be damaged."""
    checkpoint.save(tuned(clip_folder), tmp_path / "run")
    return tmp_path / "run"


@pytest.mark.parametrize("family", ["clip", "siglip"])
@pytest.mark.parametrize("prefix", ["", "clip:"], ids=["path", "clip:path"])
def test_what_was_tuned_is_loaded_again(request, tmp_path, family, prefix):
    folder = request.getfixturevalue(f"{family}_folder")
    network = tuned(folder)
    before = encode(registry.load_network(f"clip:{folder}"))
    saved = checkpoint.save(network, tmp_path / "run")
    expected = encode(network)

    again = registry.load_network(f"{prefix}{tmp_path / 'run'}")

    # Not to the bit: tensors that lie elsewhere in memory may be summed in another order.
    assert encode(again) == pytest.approx(expected, abs=1e-6)
    assert np.abs(expected - before).max() > 0.01
    assert (again.name, again.family, again.weights) == ("clip", "clip", "run")
    assert (again.weights_sha256, again.dim) == (saved.weights_sha256, network.dim)
    assert again.preprocess == network.preprocess


def test_a_checkpoint_serves(run):
    encoder = registry.load(str(run), device="cpu")

    embeddings = encoder.encode(pictures(5))

    assert encoder.spec.weights == "run"
    cosines = (embeddings * encode(registry.load_network(str(run)))).sum(axis=1)
    assert cosines.min() > 0.999


def test_a_checkpoint_says_nothing_about_the_machine(run, clip_folder):
    assert str(clip_folder.parent) not in (run / checkpoint.CONFIG).read_text()


def test_half_the_bytes_make_nearly_the_same_rows(tmp_path, clip_folder):
    network = tuned(clip_folder)
    exact = encode(network)
    checkpoint.save(network, tmp_path / "half", dtype=torch.float16)

    again = registry.load_network(str(tmp_path / "half"))

    assert all(parameter.dtype == torch.float32 for parameter in again.module.parameters())
    assert encode(again) == pytest.approx(exact, abs=2e-3)


def test_a_checkpoint_of_another_encoder_is_refused(tmp_path, clip_folder, blip_folder, run):
    save_fusion(tmp_path / "fused", clip_folder, blip_folder)

    with pytest.raises(CheckpointMismatch, match="fused is of encoder 'clip_blip_fusion'"):
        registry.load(f"clip:{tmp_path / 'fused'}", device="cpu")
    with pytest.raises(CheckpointMismatch, match="run is of encoder 'clip', not of clip_blip_fus"):
        registry.load(f"clip_blip_fusion:{run}", device="cpu")


def test_a_checkpoint_of_transformers_needs_its_encoders_name(clip_folder):
    with pytest.raises(CheckpointMismatch, match=r"small-clip has no readable encoder\.json"):
        registry.load(str(clip_folder), device="cpu")


def change(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def change_network(folder: Path, **values: object) -> None:
    path = folder / checkpoint.CONFIG
    config = json.loads(path.read_text())
    change(path, network=config["network"] | values)


def change_input(folder: Path, **values: object) -> None:
    path = folder / checkpoint.CONFIG
    config = json.loads(path.read_text())
    change(path, preprocess=config["preprocess"] | values)


def whiten(folder: Path, dim: int) -> None:
    tensors = load_file(folder / checkpoint.WEIGHTS)
    whitening = {"whitening.centre": torch.zeros(dim), "whitening.projection": torch.eye(dim)}
    save_file(tensors | whitening, folder / checkpoint.WEIGHTS)


def swap_weights(folder: Path) -> None:
    save_file({"weight": torch.zeros(3)}, folder / checkpoint.WEIGHTS)


def drop_a_tensor(folder: Path) -> None:
    tensors = load_file(folder / checkpoint.WEIGHTS)
    del tensors["tower.visual_projection.weight"]
    save_file(tensors, folder / checkpoint.WEIGHTS)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        pytest.param(
            lambda run: (run / "encoder.json").write_text("{not"), "no readable", id="garbled"
        ),
        pytest.param(
            lambda run: (run / "encoder.json").write_text("[]"), "lacks dim, family", id="a-list"
        ),
        pytest.param(
            lambda run: (run / "encoder.json").write_text("7"), "no readable", id="a-number"
        ),
        pytest.param(
            lambda run: change(run / "encoder.json", family="resnet"), "'resnet'", id="family"
        ),
        pytest.param(
            lambda run: change(run / "encoder.json", family="yolo"), "'yolo'", id="untrained"
        ),
        pytest.param(
            lambda run: change(run / "encoder.json", network=3), "cannot be read", id="network"
        ),
        pytest.param(
            lambda run: change(run / "encoder.json", preprocess={}), "cannot be read", id="input"
        ),
        pytest.param(
            lambda run: change_network(run, model_type="vit"), "no tower 'vit'", id="tower"
        ),
        pytest.param(
            lambda run: change_network(run, hidden_size="wide"), "cannot be read", id="wrong-type"
        ),
        pytest.param(
            lambda run: change_network(run, hidden_size=96), "cannot be read", id="other-size"
        ),
        pytest.param(
            lambda run: (run / "model.safetensors").unlink(), "lacks model.saf", id="no-weights"
        ),
        pytest.param(
            lambda run: (run / "model.safetensors").write_bytes(b"no"), "cannot be", id="damaged"
        ),
        pytest.param(
            lambda run: change(run / "encoder.json", dim=7), r"instead of \(7,\)", id="other-dim"
        ),
        pytest.param(
            lambda run: change(run / "encoder.json", dim=1e400), "cannot be read", id="no-dim"
        ),
        pytest.param(lambda run: change_input(run, size_px=True), "input of True px", id="boolean"),
        pytest.param(lambda run: change_input(run, resize="x"), "no resize 'x'", id="resize"),
        pytest.param(lambda run: change_input(run, interpolation="x"), "no inter", id="filter"),
        pytest.param(
            lambda run: change_input(run, resize="shortest_side", resize_px=1),
            "px out of 1 px",
            id="cut-out-of-less",
        ),
        pytest.param(lambda run: change_input(run, mean=[0.5, 0.5]), "no mean of", id="two-means"),
        pytest.param(lambda run: change_input(run, mean=["0.5"] * 3), "no mean of", id="strings"),
        pytest.param(lambda run: change_input(run, std=[1, 1, 0]), "no std of", id="no-deviation"),
        pytest.param(lambda run: change_input(run, size_px=0), "an input of 0 px", id="no-input"),
        pytest.param(
            lambda run: change_input(run, size_px=10**9),
            "an input of 1000000000 px",
            id="too-large",
        ),
        pytest.param(
            lambda run: change_input(run, size_px=64, resize_px=64), "cannot be read", id="no-fit"
        ),
        pytest.param(lambda run: whiten(run, 7), "whitening of 7 dim", id="other-whitening"),
        pytest.param(swap_weights, "cannot be read", id="other-weights"),
        pytest.param(drop_a_tensor, "visual_projection", id="a-tensor-less"),
    ],
)
def test_a_damaged_checkpoint_is_refused_with_what_is_wrong(run, damage, reason):
    damage(run)

    with pytest.raises(CheckpointMismatch, match=reason) as error:
        registry.load(str(run), device="cpu")

    assert error.value.code == "ml:checkpoint-mismatch"


def test_a_whitening_is_saved_with_its_network(tmp_path, clip_folder):
    network = tuned(clip_folder)
    torch.manual_seed(0)
    whitening = Whitening(torch.rand(network.dim), torch.rand(network.dim, network.dim))
    whitened = replace(network, whitening=whitening)

    checkpoint.save(whitened, tmp_path / "run")

    loaded = encode(registry.load_network(str(tmp_path / "run")))
    assert loaded == pytest.approx(encode(whitened), abs=1e-6)
    assert np.abs(loaded - encode(network)).max() > 0.1


def test_a_failed_save_leaves_what_was_there(run, clip_folder):
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    broken = replace(tuned(clip_folder), config={"not": {1, 2}})  # a set is no JSON

    with pytest.raises(TypeError):
        checkpoint.save(broken, run)

    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


def test_a_place_that_cannot_be_written_is_said_so(tmp_path, clip_folder):
    (tmp_path / "run").write_text("a file")

    with pytest.raises(OutputUnwritable, match="cannot be written"):
        checkpoint.save(registry.load_network(f"clip:{clip_folder}"), tmp_path / "run")


def test_a_config_nested_too_deep_is_refused(run):
    (run / checkpoint.CONFIG).write_text("[" * 100_000)

    with pytest.raises(CheckpointMismatch, match="no readable"):
        registry.load_network(str(run))
