"""Towers of CLIP, SigLIP and BLIP checkpoints, read by transformers; nothing is made up."""

import json
import math
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoImageProcessor,
    BlipVisionConfig,
    BlipVisionModel,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
    PreTrainedConfig,
    PreTrainedModel,
    SiglipVisionConfig,
    SiglipVisionModel,
)
from transformers.models.blip.modeling_blip import BlipPreTrainedModel
from transformers.utils import logging as transformers_logging

from ml.encoders.base import Interpolation, PreprocessConfig, Resize
from ml.errors import CheckpointMismatch
from ml.weights.files import CONFIG, PREPROCESSORS, Checkpoint

# A bar for a load of a second is noise in a worker's log; downloads keep theirs.
transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]

# A whole checkpoint also holds the text tower and the losses' own numbers.
_NOT_THE_IMAGE_TOWER = [r"^text_model\.", r"^text_projection\.", r"^logit_(scale|bias)$"]


class ClipTower(CLIPVisionModelWithProjection):  # type: ignore[no-untyped-call]
    """CLIP's image tower with its projection; the rest of a checkpoint is left in the file."""

    _keys_to_ignore_on_load_unexpected = _NOT_THE_IMAGE_TOWER


class SiglipTower(SiglipVisionModel):  # type: ignore[no-untyped-call]
    """SigLIP's image tower with its pooling head; the rest is left in the file."""

    _keys_to_ignore_on_load_unexpected = _NOT_THE_IMAGE_TOWER


class BlipTower(BlipPreTrainedModel):  # type: ignore[no-untyped-call]
    """BLIP's image tower under the name that it has inside a whole BLIP checkpoint."""

    config: BlipVisionConfig  # type: ignore[assignment]  # its base is made for whole ones, too
    _keys_to_ignore_on_load_unexpected = [r"^(?!vision_model\.)"]  # noqa: RUF012 - as transformers has it

    def __init__(self, config: BlipVisionConfig) -> None:
        super().__init__(config)
        self.vision_model = BlipVisionModel(config)
        self.post_init()  # type: ignore[no-untyped-call]

    def forward(self, pixel_values: torch.Tensor) -> Any:
        """Return transformers' output for (B, 3, S, S) pixels."""
        return self.vision_model(pixel_values=pixel_values)


# What config.json says a checkpoint is → the class that holds only its image tower. SigLIP 2 of
# fixed resolution calls itself "siglip"; its variable-resolution form is a different network.
_CLASSES: dict[str, Any] = {
    "clip": ClipTower,
    "clip_vision_model": ClipTower,
    "siglip": SiglipTower,
    "siglip_vision_model": SiglipTower,
    "blip": BlipTower,
    "blip_vision_model": BlipTower,
}
_CONFIGS: dict[str, Any] = {
    "clip_vision_model": CLIPVisionConfig,
    "siglip_vision_model": SiglipVisionConfig,
    "blip_vision_model": BlipVisionConfig,
}
# Pillow's number of a filter, as preprocessor configs give it.
_INTERPOLATIONS: dict[int, Interpolation] = {1: "lanczos", 2: "bilinear", 3: "bicubic"}


def load(checkpoint: Checkpoint, *, families: Sequence[str], wanted: str) -> Any:
    """Return the image tower in a checkpoint: float32, on the CPU, in evaluation mode.

    Args:
        checkpoint: where its files are.
        families: the kinds that are accepted: "clip", "siglip" or "blip".
        wanted: what runs which kinds, the end of the sentence that refuses another.

    Raises:
        CheckpointMismatch: of another kind, not whole, or damaged.
    """
    model_type = str(_read_json(checkpoint, CONFIG).get("model_type"))
    if model_type.removesuffix("_vision_model") not in families or model_type not in _CLASSES:
        raise CheckpointMismatch(
            f"{checkpoint.weights} is a {model_type!r} checkpoint; {wanted}.",
            weights=checkpoint.weights,
            model_type=model_type,
        )
    config = _tower_config(read_config(checkpoint))
    return read_tower(checkpoint, _CLASSES[model_type], config, part="image tower")


def read_config(checkpoint: Checkpoint) -> PreTrainedConfig:
    """Return what config.json says of the whole checkpoint."""
    config: PreTrainedConfig = AutoConfig.from_pretrained(checkpoint.folder, local_files_only=True)
    return config


def read_tower(checkpoint: Checkpoint, kind: Any, config: PreTrainedConfig, *, part: str) -> Any:
    """Return one tower of a checkpoint: float32, on the CPU, in evaluation mode.

    Args:
        checkpoint: where its files are.
        kind: transformers' class that holds this tower alone.
        config: the tower's.
        part: what it is, for the sentence that refuses one that is not whole.

    Raises:
        CheckpointMismatch: not whole, or damaged.
    """
    tower, report = _from_pretrained(checkpoint, kind, config)
    # transformers fills what does not fit with random numbers and only says so in its report.
    made_up = sorted({*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])})
    if made_up:
        raise CheckpointMismatch(
            f"{checkpoint.weights} lacks {len(made_up)} of the {part}'s weights in the shape "
            f"that its config.json asks for, the first being {made_up[0]}.",
            weights=checkpoint.weights,
            missing=made_up,
        )
    return tower


def config_of(tower: PreTrainedModel) -> dict[str, Any]:
    """Return the JSON values from which `build` makes the same network, without its weights."""
    # With all defaults written out: another release of transformers may have others.
    config: dict[str, Any] = json.loads(tower.config.to_json_string(use_diff=False))
    # Where it lay on the machine that saved it says nothing about the network.
    return {key: value for key, value in config.items() if key != "_name_or_path"}


def build(config: Mapping[str, Any]) -> Any:
    """Return a tower without its weights.

    Args:
        config: as `config_of` returned it.

    Raises:
        ValueError: not the config of a known tower.
    """
    model_type = config.get("model_type")
    if model_type not in _CONFIGS:
        raise ValueError(f"there is no image tower {model_type!r}")
    try:
        return _CLASSES[model_type](_CONFIGS[model_type].from_dict(dict(config)))
    except StrictDataclassError as err:
        raise ValueError(str(err)) from err


def read_preprocess(checkpoint: Checkpoint, *, input_px: int) -> PreprocessConfig:
    """Return what the checkpoint's own image processor does.

    Args:
        checkpoint: where its files are.
        input_px: width and height of the input that its tower takes.

    Raises:
        CheckpointMismatch: no processor's config, a damaged one, or one that does what
            `PreprocessConfig` cannot say.
    """
    if not any((checkpoint.folder / name).is_file() for name in PREPROCESSORS):
        raise _preprocess_mismatch(checkpoint, f"{PREPROCESSORS[0]} is missing")
    try:
        # Its defaults fill what older configs leave out.
        processor: Any = AutoImageProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            checkpoint.folder, local_files_only=True
        )
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise _preprocess_mismatch(checkpoint, str(err)) from err
    resize, resize_px, size_px = _sizes(checkpoint, processor)
    if size_px != input_px:
        raise _preprocess_mismatch(
            checkpoint, f"it makes pictures of {size_px} px for a network of {input_px} px"
        )
    if not processor.do_rescale or not math.isclose(processor.rescale_factor, 1 / 255):
        raise _preprocess_mismatch(checkpoint, "it does not scale pixels to 0..1")
    if processor.resample not in _INTERPOLATIONS:
        raise _preprocess_mismatch(checkpoint, f"its filter is number {processor.resample}")
    normalises = processor.do_normalize
    return PreprocessConfig(
        size_px=size_px,
        resize=resize,
        resize_px=resize_px,
        interpolation=_INTERPOLATIONS[int(processor.resample)],
        mean=_per_channel(processor.image_mean) if normalises else (0.0, 0.0, 0.0),
        std=_per_channel(processor.image_std) if normalises else (1.0, 1.0, 1.0),
    )


def _from_pretrained(
    checkpoint: Checkpoint, kind: Any, config: PreTrainedConfig
) -> tuple[Any, Mapping[str, Any]]:
    try:
        tower, report = kind.from_pretrained(
            checkpoint.folder,
            config=config,
            dtype=torch.float32,
            local_files_only=True,
            weights_only=True,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    except pickle.UnpicklingError as err:  # its own text recommends to run the code
        raise CheckpointMismatch(
            f"The weights of {checkpoint.weights} hold something else than tensors, which is not "
            "read, because it could be code.",
            weights=checkpoint.weights,
        ) from err
    except (
        SafetensorError,
        StrictDataclassError,
        OSError,
        RuntimeError,
        ValueError,
        KeyError,
        EOFError,
    ) as err:
        raise CheckpointMismatch(
            f"The weights of {checkpoint.weights} cannot be read: {err}",
            weights=checkpoint.weights,
        ) from err
    return tower, report


def _tower_config(config: PreTrainedConfig) -> PreTrainedConfig:
    if not hasattr(config, "vision_config"):
        return config
    tower: PreTrainedConfig = config.vision_config
    # CLIP's own class sizes the projection by the outer number; the inner one is often a left-over.
    if hasattr(config, "projection_dim"):
        tower.projection_dim = config.projection_dim
    return tower


def _sizes(checkpoint: Checkpoint, processor: Any) -> tuple[Resize, int, int]:
    """Return the resize mode, the size resized to and the size of the square that is left."""
    size: dict[str, int | None] = dict(processor.size)
    crop: dict[str, int | None] = dict(processor.crop_size or {})
    is_cropped = bool(getattr(processor, "do_center_crop", False))
    shortest, height, width = size.get("shortest_edge"), size.get("height"), size.get("width")
    if processor.do_resize and shortest and is_cropped:
        side = crop.get("height")
        if side and side == crop.get("width") and side <= shortest:
            return "shortest_side", shortest, side
    keeps_all = not is_cropped or (crop.get("height"), crop.get("width")) == (height, width)
    if processor.do_resize and height and height == width and not shortest and keeps_all:
        return "squash", height, height
    raise _preprocess_mismatch(checkpoint, f"it resizes to {size} and then cuts {crop}")


def _per_channel(values: Any) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue


def _preprocess_mismatch(checkpoint: Checkpoint, why: str) -> CheckpointMismatch:
    return CheckpointMismatch(
        f"The preprocessing of {checkpoint.weights} cannot be followed: {why}.",
        weights=checkpoint.weights,
    )


def _read_json(checkpoint: Checkpoint, name: str) -> dict[str, Any]:
    path: Path = checkpoint.folder / name
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise CheckpointMismatch(
            f"{checkpoint.weights} has no readable {name}.", weights=checkpoint.weights
        ) from err
    return content if isinstance(content, dict) else {}
