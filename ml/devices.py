"""Which device runs a network, and in which number format. Importing this file loads no torch."""

from __future__ import annotations  # for types that would load torch

import logging
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ml.errors import DeviceUnavailable

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)

# What the drivers of GPUs that torch may use put into /dev: NVIDIA's, AMD's, Windows' for Linux.
_GPU_FILES = ("nvidiactl", "kfd", "dxg")


def is_cpu(device: str) -> bool:
    """Return whether a device means the CPU for certain, without asking torch.

    Args:
        device: as for `resolve`.
    """
    if device != "auto":
        return device == "cpu"
    may_have_mps = sys.platform == "darwin" and platform.machine() == "arm64"
    return not may_have_mps and not any((Path("/dev") / name).exists() for name in _GPU_FILES)


def resolve(device: str) -> torch.device:
    """Return the device to run on; the log says which one and why.

    Args:
        device: "auto" (the first of CUDA, Apple's MPS and the CPU that is there), "cpu", "mps",
            "cuda" or "cuda:<number>".

    Raises:
        DeviceUnavailable: not one of these, or this machine does not have it.
    """
    if device == "auto":
        chosen, why = _first_available()
    else:
        chosen, why = _available(device), "asked for"
    logger.info("device chosen", extra={"device": str(chosen), "why": why})
    return chosen


def dtype_for(device: torch.device) -> torch.dtype:
    """Return the number format that networks run in on this device.

    float16 on CUDA; bfloat16 on CPUs with instructions for it, where it halves the time of a vision
    transformer and keeps a cosine of 0.9999 to float32; float32 elsewhere, where both would be
    emulated.
    """
    import torch

    if device.type == "cuda":
        return torch.float16
    if device.type == "cpu" and has_bf16_instructions():
        return torch.bfloat16
    return torch.float32


def has_bf16_instructions() -> bool:
    """Return whether this machine's CPU multiplies bfloat16 itself (AVX-512 BF16 or AMX)."""
    import torch

    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def _first_available() -> tuple[torch.device, str]:
    import torch

    if torch.cuda.is_available():
        return torch.device("cuda"), "automatic: this machine has a CUDA device"
    if torch.backends.mps.is_available():
        return torch.device("mps"), "automatic: no CUDA device here, but Apple's MPS"
    return torch.device("cpu"), "automatic: neither CUDA nor MPS here"


def _available(name: str) -> torch.device:
    import torch

    known = "auto, cpu, cuda, cuda:<number>, mps"
    try:
        device = torch.device(name)
    except RuntimeError as err:
        raise DeviceUnavailable(
            f"There is no device {name!r}; known are {known}.", device=name
        ) from err
    if device.type == "cpu":
        return device
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) < count:
            return device
        raise DeviceUnavailable(
            f"Device {name!r} is not on this machine, which has {count} CUDA devices.", device=name
        )
    if device.type == "mps":
        if torch.backends.mps.is_available():
            return device
        raise DeviceUnavailable(f"Device {name!r} is not on this machine.", device=name)
    raise DeviceUnavailable(f"Device {name!r} is not supported; known are {known}.", device=name)
