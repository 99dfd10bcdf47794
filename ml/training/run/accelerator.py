"""The device and the number format that a run computes with, through accelerate."""

import torch
from accelerate import Accelerator

from ml import devices
from ml.errors import InvalidTrainingConfig
from ml.memory import keep_freed_memory
from ml.training.config import TrainingConfig


def open_accelerator(config: TrainingConfig) -> Accelerator:
    """Return the accelerator of a run; it keeps device and precision for the whole process.

    Raises:
        InvalidTrainingConfig: the device cannot train in the precision that is asked for.
    """
    device = devices.resolve(config.device)
    if device.type == "cpu":
        keep_freed_memory()
    if device.type == "cuda" and device.index is not None:
        torch.cuda.set_device(device)
    return Accelerator(
        mixed_precision=_precision(config.precision, device),
        gradient_accumulation_steps=config.batch.accumulate,
        cpu=device.type == "cpu",
    )


def _precision(asked: str, device: torch.device) -> str:
    """Return the number format by accelerate's name."""
    if asked == "fp16" and device.type != "cuda":
        raise InvalidTrainingConfig(
            f"fp16 trains on CUDA devices only, not on {device}; take bf16 or fp32.",
            device=str(device),
        )
    if asked == "auto":
        is_computed = (
            torch.cuda.is_bf16_supported()
            if device.type == "cuda"
            else device.type == "cpu" and devices.has_bf16_instructions()
        )
        asked = "bf16" if is_computed else "fp32"
    return "no" if asked == "fp32" else asked
