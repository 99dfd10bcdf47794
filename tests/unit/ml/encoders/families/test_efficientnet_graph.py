import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file, save_file

from config.env import ROOT
from ml.encoders import checkpoint_files, registry
from ml.encoders.base import PreprocessConfig
from ml.encoders.families import efficientnet, efficientnet_graph
from ml.errors import CheckpointMismatch
from ml.runtime.network import CompiledNetwork

PACKAGED = ROOT / "ml" / "encoders" / "weights" / "semblance_lite"
NORMALISED = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


@pytest.mark.parametrize(
    ("size", "side"),
    [("lite0", 64), ("lite1", 65), ("lite2", 50)],
    ids=["lite0-even", "lite1-odd", "lite2-halves-to-odd"],
)
def test_it_is_the_network_that_training_has(rng, size, side):
    network = efficientnet.load_network(size)
    weights = {name: tensor.numpy() for name, tensor in network.module.state_dict().items()}
    preprocess = PreprocessConfig(side, "squash", side, "bilinear", **NORMALISED)
    pixels = rng.integers(0, 256, (3, side, side, 3), np.uint8)

    front, graph = efficientnet_graph.build(f"tf_efficientnet_{size}", weights, preprocess)
    [found] = CompiledNetwork(graph, precision="float32", front=front).run(pixels)

    scaled = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(NORMALISED[name]).view(1, 3, 1, 1) for name in ("mean", "std"))
    with torch.no_grad():
        expected = network.module.eval()((scaled - mean) / std).numpy()
    assert found == pytest.approx(expected, abs=1e-3 * float(np.abs(expected).max()))


@pytest.fixture
def copied(tmp_path) -> Path:
    return Path(shutil.copytree(PACKAGED, tmp_path / "copied"))


def edit_tensors(folder, edit):
    tensors = load_file(folder / checkpoint_files.WEIGHTS)
    edit(tensors)
    save_file(tensors, folder / checkpoint_files.WEIGHTS)


def edit_config(folder, **values):
    path = folder / checkpoint_files.CONFIG
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def with_nan(tensors):
    tensors["conv_head.weight"][0, 0] = np.nan


def with_another_layer(tensors):
    tensors["blocks.1.0.se.weight"] = np.ones(3, np.float16)


def with_another_shape(tensors):
    tensors["conv_head.weight"] = tensors["conv_head.weight"][:, :-1].copy()


def with_half_a_whitening(tensors):
    del tensors["whitening.centre"]


def with_a_smaller_whitening(tensors):
    tensors["whitening.projection"] = tensors["whitening.projection"][:7].copy()


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda tensors: tensors.pop("conv_stem.bias"), id="a-tensor-is-missing"),
        pytest.param(lambda tensors: tensors.clear(), id="no-tensors"),
        *(
            pytest.param(edit, id=edit.__name__)
            for edit in (
                with_nan,
                with_another_layer,
                with_another_shape,
                with_half_a_whitening,
                with_a_smaller_whitening,
            )
        ),
    ],
)
def test_weights_of_another_network_are_refused(copied, edit):
    edit_tensors(copied, edit)

    with pytest.raises(CheckpointMismatch, match="The checkpoint copied cannot be read"):
        registry.load(str(copied), device="cpu")


@pytest.mark.parametrize(
    "values",
    [
        {"dim": 7},
        {"dim": None},
        {"preprocess": {}},
        {"network": {"network": "tf_efficientnet_lite1"}},
        {"network": {"network": "resnet18"}},
        {"network": "tf_efficientnet_lite2"},
    ],
    ids=str,
)
def test_a_config_of_another_network_is_refused(copied, values):
    edit_config(copied, **values)

    with pytest.raises(CheckpointMismatch, match="The checkpoint copied cannot be read"):
        registry.load(str(copied), device="cpu")


def test_a_checkpoint_without_a_whitening_is_the_network_alone(copied):
    def plain(tensors):
        for name in [name for name in tensors if name.startswith("whitening.")]:
            del tensors[name]

    edit_tensors(copied, plain)
    images = [Image.new("RGB", (70, 50), colour) for colour in ("red", "teal")]

    rows = registry.load(str(copied), device="cpu", precision="float32").encode(images)

    network = registry.load_network(str(copied))
    by_torch = network.to_encoder(device=torch.device("cpu"), dtype=torch.float32, batch_size=2)
    assert (rows * by_torch.encode(images)).sum(axis=1) == pytest.approx([1, 1], abs=1e-4)


def test_serving_packaged_networks_loads_no_torch():
    code = (
        "import sys\n"
        "from PIL import Image\n"
        "from ml.detection import registry as detectors\n"
        "from ml.encoders import registry\n"
        "blank = [Image.new('RGB', (40, 30))]\n"
        "registry.load('semblance_lite', device='cpu').encode(blank)\n"
        "detectors.load('ssd_mobilenet', device='cpu').detect(blank)\n"
        "print(sorted({'torch', 'timm', 'transformers', 'ultralytics'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)

    assert done.stdout == "[]\n", done.stderr
