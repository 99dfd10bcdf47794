"""Training at another input size than the encoder's own."""

import dataclasses

import torch
from accelerate import Accelerator

from ml.encoders.base import PreprocessConfig
from ml.errors import InvalidTrainingConfig
from ml.training.module import TrainingModule


def resized(preprocess: PreprocessConfig, size_px: int | None) -> PreprocessConfig:
    """Return the preprocessing for another input size: the same part of the picture is seen.

    Args:
        preprocess: the encoder's own.
        size_px: width and height of the input; None keeps the encoder's own.

    Raises:
        InvalidTrainingConfig: no preprocessing has this size.
    """
    if size_px is None:
        return preprocess
    resize_px = round(preprocess.resize_px * size_px / preprocess.size_px)
    resized = dataclasses.replace(preprocess, size_px=size_px, resize_px=resize_px)
    try:
        return PreprocessConfig.from_json(dataclasses.asdict(resized))
    except ValueError as err:
        raise InvalidTrainingConfig(f"The encoder cannot take {err}.", size_px=size_px) from err


def check_size(module: TrainingModule, size_px: int, accelerator: Accelerator) -> None:
    """Refuse an input size that the network cannot take, before hours of work.

    Raises:
        InvalidTrainingConfig: the network cannot take it.
    """
    pixels = torch.zeros((1, size_px, size_px, 3), dtype=torch.uint8, device=accelerator.device)
    module.eval()
    try:
        with torch.no_grad(), accelerator.autocast():
            module.embed_mixed(pixels)
    except (RuntimeError, ValueError, AssertionError) as err:
        raise InvalidTrainingConfig(
            f"The network does not take pictures of {size_px} px: {err}", size_px=size_px
        ) from err
