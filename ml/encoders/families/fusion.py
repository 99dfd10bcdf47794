"""CLIP's and BLIP's vision towers under one network, from their checkpoints or without weights."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from torch import nn

from ml.encoders import presets
from ml.encoders.base import PreprocessConfig
from ml.encoders.families import towers
from ml.encoders.families.fusion_network import FusionConfig, FusionNetwork
from ml.encoders.network import EncoderNetwork
from ml.weights.files import Checkpoint
from ml.weights.hub import Hub

NAME = "clip_blip_fusion"
CLIP_WEIGHTS = presets.read(presets.DEFAULT).reference
BLIP_WEIGHTS = "Salesforce/blip-itm-base-coco"

DEFAULT_CONFIG = FusionConfig()


@dataclass(frozen=True, slots=True)
class _LoadedTower:
    """One tower out of a checkpoint."""

    tower: Any
    checkpoint: Checkpoint
    preprocess: PreprocessConfig


def load_network(
    reference: str = "",
    *,
    cache_dir: Path | None = None,
    clip_weights: str = CLIP_WEIGHTS,
    blip_weights: str = BLIP_WEIGHTS,
    config: FusionConfig = DEFAULT_CONFIG,
) -> EncoderNetwork:
    """Return the towers of two checkpoints under new, seeded weights: where training begins.

    The cross-attention begins as the identity, so that "fusion" begins as "concat". The projection
    begins with orthonormal rows, which keep cosines as well as its length allows.

    The network has one input for two towers that want different ones: pictures are made as the
    tower of the larger input makes them, but with CLIP's mean and deviation, and the network itself
    makes the other tower's input of that.

    Args:
        reference: one of `fusion_network.MODES`, which stands above the config's; "" leaves the
            config's.
        cache_dir: where downloaded weights are kept; None is the hub library's own folder.
        clip_weights: hub id or folder of a CLIP checkpoint.
        blip_weights: hub id or folder of a BLIP checkpoint.
        config: everything else about the network.

    Raises:
        WeightsUnavailable: a tower is neither on this machine nor to be fetched.
        CheckpointMismatch: a checkpoint is not of the wanted kind, not whole, or damaged.
        ValueError: the reference is no mode.
    """
    if reference:
        config = replace(config, mode=reference)  # type: ignore[arg-type]  # checked by the class
    weights = {"clip": clip_weights, "blip": blip_weights}
    hub = Hub(cache_dir)
    loaded = {name: _load_tower(name, hub.locate(weights[name])) for name in config.tower_names}
    preprocess = _shared_preprocess([part.preprocess for part in loaded.values()])
    values = asdict(config) | {
        "input": _input_of(preprocess),
        "towers": {
            name: {"network": towers.config_of(part.tower), "input": _input_of(part.preprocess)}
            for name, part in loaded.items()
        },
    }
    module = FusionNetwork(values, {name: part.tower for name, part in loaded.items()})
    digests = [
        *(part.checkpoint.sha256 for part in loaded.values()),
        repr(sorted(asdict(config).items())),
    ]
    return EncoderNetwork(
        name=NAME,
        family=NAME,
        module=module,
        config=values,
        preprocess=preprocess,
        weights=" + ".join(part.checkpoint.weights for part in loaded.values()),
        weights_sha256=sha256("\n".join(digests).encode()).hexdigest(),
        dim=config.dim,
    )


def build(config: Mapping[str, Any]) -> nn.Module:
    """Return the network of a config, without its weights.

    Args:
        config: `EncoderNetwork.config` of this family.

    Raises:
        KeyError: a value is missing.
        TypeError: a value is of another type.
        ValueError: a value is out of range.
    """
    parts = {name: towers.build(part["network"]) for name, part in config["towers"].items()}
    return FusionNetwork(config, parts)


def _load_tower(name: str, checkpoint: Checkpoint) -> _LoadedTower:
    wanted = f"encoder {NAME} takes a {name.upper()} checkpoint here"
    tower = towers.load(checkpoint, families=(name,), wanted=wanted)
    return _LoadedTower(
        tower=tower,
        checkpoint=checkpoint,
        preprocess=towers.read_preprocess(checkpoint, input_px=tower.config.image_size),
    )


def _shared_preprocess(parts: list[PreprocessConfig]) -> PreprocessConfig:
    """Return the shape of the largest input, the first one of several, and the first's scale."""
    largest = max(parts, key=lambda part: part.size_px)
    return replace(largest, mean=parts[0].mean, std=parts[0].std)


def _input_of(preprocess: PreprocessConfig) -> dict[str, Any]:
    return {
        "size_px": preprocess.size_px,
        "mean": list(preprocess.mean),
        "std": list(preprocess.std),
    }
