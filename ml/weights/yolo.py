"""Weights files of ultralytics: found or downloaded, and read without running what is in them.

A weights file of ultralytics is a pickle, which can hold code. It is read by torch's restricted
unpickler with ultralytics' list of its own classes, and anything else in it is refused.
"""

import contextlib
import logging
import pickle
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import torch
from PIL import Image

from ml.errors import CheckpointMismatch, WeightsUnavailable
from ml.weights.files import MAX_INPUT_PX, sha256_of
from ml.weights.hub import within
from ml.weights.pins import Pin, Pins

# ultralytics prints to the standard output, which belongs to the command that was asked for.
with contextlib.redirect_stdout(sys.stderr):
    from ultralytics.nn.tasks import BaseModel, torch_safe_load
    from ultralytics.utils import LOGGER, SETTINGS, is_online, patches
    from ultralytics.utils.downloads import (
        GITHUB_ASSETS_NAMES,
        GITHUB_ASSETS_REPO,
        attempt_download_asset,
    )

# Open Images V7: 601 classes, the widest that ultralytics publishes.
DEFAULT_WEIGHTS = "yolov8x-oiv7.pt"
_RELEASE = "v8.4.0"  # the one that has it
_TIMEOUT_S = 4.0
# What reading or running a damaged or foreign network raises.
UNREADABLE = (
    AttributeError,
    EOFError,
    ImportError,
    IndexError,
    KeyError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
)

# It also puts an `open` of its own into Pillow, for the whole process, which answers to a file that
# is no picture by installing a package; how files are opened is ruled in `ml.rules.opening`.
Image.open = patches._image_open

for _handler in LOGGER.handlers:
    if isinstance(_handler, logging.StreamHandler):
        _handler.setStream(sys.stderr)


def locate(reference: str = "", *, cache_dir: Path | None = None) -> Path:
    """Return the weights file, after downloading an official one that is not on disk.

    An official name stands for the bytes of its first load, see `ml.weights.pins`.

    Args:
        reference: path of a file, or the name of an official one, ".pt" left out or not; "" is
            `DEFAULT_WEIGHTS`.
        cache_dir: where official files are kept; None is ultralytics' own folder.

    Raises:
        WeightsUnavailable: no such file, nor an official one that can be fetched.
        CheckpointMismatch: an official file is not that of the first load, or the record of it is
            damaged.
    """
    reference = reference or DEFAULT_WEIGHTS
    path = Path(reference).expanduser()
    if path.is_file():
        return path
    name = reference if path.suffix else f"{reference}.pt"
    if name not in GITHUB_ASSETS_NAMES:
        raise WeightsUnavailable(
            f"There is no file {reference}, and no official weights of ultralytics have this name.",
            reference=reference,
        )
    official = _folder(cache_dir) / name
    if not official.is_file():
        _download(official)
    Pins(official.parent).check(name, Pin(sha256_of([official])), location=official)
    return official


def default_availability(cache_dir: Path | None = None) -> tuple[bool, str]:
    """Return whether `locate` is likely to find the default weights, and why, within about 5 s.

    Nothing is downloaded: the server that has them is only asked for their size.
    """
    try:
        Pins(_folder(cache_dir)).find(DEFAULT_WEIGHTS)
    except CheckpointMismatch as err:
        return False, str(err).rstrip(".")
    if (_folder(cache_dir) / DEFAULT_WEIGHTS).is_file():
        return True, f"{DEFAULT_WEIGHTS} is on this machine"
    address = f"https://github.com/{GITHUB_ASSETS_REPO}/releases/download/{_RELEASE}"
    if within(_TIMEOUT_S, partial(_ask, f"{address}/{DEFAULT_WEIGHTS}")) is None:
        return True, f"{DEFAULT_WEIGHTS} can be downloaded"
    return False, f"{DEFAULT_WEIGHTS} is not on this machine and cannot be downloaded"


def _ask(address: str) -> None:
    if not is_online():
        raise ConnectionError("there is no network")
    try:
        httpx.head(address, follow_redirects=True, timeout=_TIMEOUT_S).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as err:
        raise ConnectionError(str(err)) from err


def _folder(cache_dir: Path | None) -> Path:
    return Path(SETTINGS["weights_dir"]) if cache_dir is None else cache_dir / "ultralytics"


def _download(path: Path) -> None:
    name = path.name
    reason = f"{name} is not on this machine and cannot be downloaded"
    if not is_online():  # quick, where a connection would be waited for
        raise WeightsUnavailable(f"{reason}: there is no network.", reference=name)
    try:
        attempt_download_asset(path, release=_RELEASE, retry=0, progress=False)
    except (OSError, MemoryError, RuntimeError) as err:  # MemoryError: the disk is full
        raise WeightsUnavailable(f"{reason}: {err}", reference=name) from err


def read(path: Path) -> Any:
    """Return the network of a .pt file: float32, evaluation mode, its batch norms folded away.

    Raises:
        CheckpointMismatch: not a network of ultralytics, not safe to read, or damaged.
    """
    try:
        content = _safely_loaded(path)
        network = content.get("ema") or content.get("model")
    except ModuleNotFoundError as err:
        raise CheckpointMismatch(
            f"{path.name} needs the module {err.name}, which is not part of ultralytics.",
            file=path.name,
        ) from err
    except UNREADABLE as err:
        raise CheckpointMismatch(
            f"{path.name} is damaged, or holds something else than a network of ultralytics, which "
            "is not read, because it could be code.",
            file=path.name,
        ) from err
    if not isinstance(network, BaseModel):
        raise CheckpointMismatch(
            f"{path.name} holds no network of ultralytics with layers to read.", file=path.name
        )
    try:
        fused: Any = network.float().eval()
        fused.fuse(verbose=False)
    except UNREADABLE as err:
        raise CheckpointMismatch(
            f"The network in {path.name} cannot be run: {err}", file=path.name
        ) from err
    return network


def _safely_loaded(path: Path) -> Any:
    # By a name that means nothing to ultralytics: it takes some names for others, and downloads
    # files that it does not find.
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / "network.pt"
        link.symlink_to(path.resolve())
        content, _ = torch_safe_load(link, safe_only=True)  # type: ignore[no-untyped-call]
    return content


def input_px(network: Any, path: Path) -> int:
    """Return the size that it was trained at, rounded up to whole cells of its coarsest map.

    Raises:
        CheckpointMismatch: no square, or one that is too large.
    """
    arguments = getattr(network, "args", None)
    size_px = arguments.get("imgsz", 640) if isinstance(arguments, dict) else 640
    stride_px = max(32, int(torch.as_tensor(getattr(network, "stride", 32)).max()))
    if not isinstance(size_px, int) or not 0 < size_px <= MAX_INPUT_PX:
        raise CheckpointMismatch(
            f"{path.name} was trained at {size_px!r} px, which is no square of at most "
            f"{MAX_INPUT_PX} px.",
            file=path.name,
        )
    return -(-size_px // stride_px) * stride_px
