"""The main encoder: the image tower of any CLIP or SigLIP checkpoint, read by transformers."""

import json
import math
import pickle
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn
from transformers import (
    AutoConfig,
    AutoImageProcessor,
    CLIPVisionModelWithProjection,
    PreTrainedConfig,
    PreTrainedModel,
    SiglipVisionModel,
)
from transformers.utils import logging as transformers_logging

from ml import devices
from ml.encoders.base import EncoderSpec, Interpolation, PreprocessConfig, Resize
from ml.encoders.batching import TorchEncoder
from ml.encoders.hub import CONFIG, PREPROCESSORS, Checkpoint, sha256_of, weights_files
from ml.errors import CheckpointMismatch

NAME = "clip"

# A bar for a load of a second is noise in a worker's log; downloads keep theirs.
transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]

# A whole checkpoint also holds the text tower and the loss's own two numbers.
_NOT_THE_IMAGE_TOWER = [r"^text_model\.", r"^text_projection\.", r"^logit_(scale|bias)$"]


class _ClipTower(CLIPVisionModelWithProjection):  # type: ignore[no-untyped-call]
    _keys_to_ignore_on_load_unexpected = _NOT_THE_IMAGE_TOWER


class _SiglipTower(SiglipVisionModel):  # type: ignore[no-untyped-call]
    _keys_to_ignore_on_load_unexpected = _NOT_THE_IMAGE_TOWER


# What config.json says a checkpoint is → the class that holds only its image tower. SigLIP 2 of
# fixed resolution calls itself "siglip"; its variable-resolution form is a different network.
_TOWERS: dict[str, Any] = {
    "clip": _ClipTower,
    "clip_vision_model": _ClipTower,
    "siglip": _SiglipTower,
    "siglip_vision_model": _SiglipTower,
}
# Pillow's number of a filter, as preprocessor configs give it.
_INTERPOLATIONS: dict[int, Interpolation] = {1: "lanczos", 2: "bilinear", 3: "bicubic"}


def load(
    checkpoint: Checkpoint,
    *,
    device: torch.device,
    dtype: torch.dtype | None = None,
    batch_size: int,
) -> TorchEncoder:
    """Return the encoder in a checkpoint.

    A CLIP embedding is the projected image embedding, a SigLIP one the pooled output of its
    attention head: in both cases what the network was trained to compare. The text tower is not
    loaded.

    Args:
        checkpoint: where its files are.
        device: where it runs.
        dtype: number format that it runs in; None is the best for the device.
        batch_size: most pictures in one forward pass.

    Raises:
        CheckpointMismatch: not a CLIP or SigLIP checkpoint, not whole, or damaged.
    """
    files = weights_files(checkpoint.folder)
    tower = _load_tower(checkpoint)
    network = _ImageEmbedding(tower)
    spec = EncoderSpec(
        name=NAME,
        weights=checkpoint.weights,
        weights_sha256=sha256_of(files),
        dim=network.dim,
        preprocess=_read_preprocess(checkpoint, input_px=tower.config.image_size),
    )
    return TorchEncoder(
        spec,
        network,
        device=device,
        dtype=dtype or devices.dtype_for(device),
        batch_size=batch_size,
    )


class _ImageEmbedding(nn.Module):
    """(B, 3, S, S) → (B, D) of either family."""

    def __init__(self, tower: PreTrainedModel) -> None:
        super().__init__()
        self.tower = tower
        self.is_projected = isinstance(tower, CLIPVisionModelWithProjection)
        self.dim: int = (
            tower.config.projection_dim if self.is_projected else tower.config.hidden_size
        )

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        outputs = self.tower(pixel_values=inputs)
        embeddings: torch.Tensor = (
            outputs.image_embeds if self.is_projected else outputs.pooler_output
        )
        return embeddings


def _load_tower(checkpoint: Checkpoint) -> PreTrainedModel:
    model_type = _read_json(checkpoint, CONFIG).get("model_type")
    if model_type not in _TOWERS:
        raise CheckpointMismatch(
            f"{checkpoint.weights} is a {model_type!r} checkpoint; encoder {NAME} runs CLIP and "
            "SigLIP of fixed resolution.",
            weights=checkpoint.weights,
            model_type=model_type,
        )
    try:
        tower, report = _TOWERS[model_type].from_pretrained(
            checkpoint.folder,
            config=_tower_config(checkpoint),
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
    except (SafetensorError, OSError, RuntimeError, ValueError, KeyError, EOFError) as err:
        raise CheckpointMismatch(
            f"The weights of {checkpoint.weights} cannot be read: {err}",
            weights=checkpoint.weights,
        ) from err
    # transformers fills what does not fit with random numbers and only says so in its report.
    made_up = sorted({*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])})
    if made_up:
        raise CheckpointMismatch(
            f"{checkpoint.weights} lacks {len(made_up)} of the image tower's weights in the shape "
            f"that its config.json asks for, the first being {made_up[0]}.",
            weights=checkpoint.weights,
            missing=made_up,
        )
    if getattr(tower.config, "vision_use_head", True) is False:
        raise CheckpointMismatch(
            f"{checkpoint.weights} is a SigLIP tower without its pooling head, which has no one "
            "embedding for a picture.",
            weights=checkpoint.weights,
        )
    loaded: PreTrainedModel = tower
    return loaded


def _tower_config(checkpoint: Checkpoint) -> PreTrainedConfig:
    config: PreTrainedConfig = AutoConfig.from_pretrained(checkpoint.folder, local_files_only=True)
    if not hasattr(config, "vision_config"):
        return config
    tower: PreTrainedConfig = config.vision_config
    # CLIP's own class sizes the projection by the outer number; the inner one is often a left-over.
    if hasattr(config, "projection_dim"):
        tower.projection_dim = config.projection_dim
    return tower


def _read_preprocess(checkpoint: Checkpoint, *, input_px: int) -> PreprocessConfig:
    """Return what the checkpoint's own image processor does, or refuse what is not offered."""
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
