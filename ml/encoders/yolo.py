"""Embeddings of a detector: the last feature map of any ultralytics network, averaged over places.

A weights file of ultralytics is a pickle, which can hold code. It is read by torch's restricted
unpickler with ultralytics' list of its own classes, and anything else in it is refused.
"""

import contextlib
import logging
import pickle
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import nn

from ml.encoders.base import MOST_SIDE_PX, PreprocessConfig, Resize
from ml.encoders.hub import sha256_of
from ml.encoders.network import EncoderNetwork
from ml.errors import CheckpointMismatch, WeightsUnavailable

# ultralytics prints to the standard output, which belongs to the command that was asked for.
with contextlib.redirect_stdout(sys.stderr):
    from ultralytics.nn.tasks import BaseModel, torch_safe_load
    from ultralytics.utils import LOGGER, SETTINGS, is_online, patches
    from ultralytics.utils.downloads import GITHUB_ASSETS_NAMES, attempt_download_asset

NAME = "yolo"
# Open Images V7: 600 classes of things, the widest that ultralytics publishes.
DEFAULT_WEIGHTS = "yolov8x-oiv7.pt"

_UNREADABLE = (
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
# is no picture by installing a package; `decode` opens HEIC itself.
Image.open = patches._image_open

for _handler in LOGGER.handlers:
    if isinstance(_handler, logging.StreamHandler):
        _handler.setStream(sys.stderr)


def load_network(reference: str = "", *, cache_dir: Path | None = None) -> EncoderNetwork:
    """Return the network of a weights file, made fast for embedding; it is not to be trained.

    An embedding is what ultralytics' own `embed` returns: the second-to-last layer's feature map,
    averaged over all places. Pictures are letterboxed to one square, so that no picture's embedding
    depends on which others are in its batch; classifiers get the middle square, as they were
    trained.

    Args:
        reference: path of a .pt file, or the name of an official one, which is downloaded where it
            is not on disk; "" is `DEFAULT_WEIGHTS`.
        cache_dir: where official files are kept; None is ultralytics' own folder.

    Raises:
        WeightsUnavailable: no such file, nor an official one that can be fetched.
        CheckpointMismatch: not a network of ultralytics, not safe to read, or damaged.
    """
    path = locate(reference, cache_dir=cache_dir)
    network = _read(path)
    task = str(getattr(network, "task", ""))
    resize: Resize = "shortest_side" if task == "classify" else "letterbox"
    size_px = _input_px(network, path)
    module = _Embedding(network)
    return EncoderNetwork(
        name=NAME,
        family=NAME,
        module=module,
        config={"task": task},
        preprocess=PreprocessConfig(
            size_px=size_px,
            resize=resize,
            resize_px=size_px,
            interpolation="bilinear",
            mean=(0.0, 0.0, 0.0),
            std=(1.0, 1.0, 1.0),
        ),
        weights=path.name,
        weights_sha256=sha256_of([path]),
        dim=_dim(module, size_px, path),
    )


def locate(reference: str = "", *, cache_dir: Path | None = None) -> Path:
    """Return the weights file, after downloading an official one that is not on disk.

    Args:
        reference: as for `load_network`.
        cache_dir: as for `load_network`.

    Raises:
        WeightsUnavailable: no such file, nor an official one that can be fetched.
        CheckpointMismatch: the name is that of an exported form.
    """
    reference = reference or DEFAULT_WEIGHTS
    path = Path(reference).expanduser()
    if path.suffix.lower() not in ("", ".pt"):
        raise CheckpointMismatch(
            f"{path.name} is no .pt file: only those have the layers that encoder {NAME} reads; "
            "exported forms such as ONNX have none.",
            file=path.name,
        )
    if path.is_file():
        return path
    name = reference if path.suffix else f"{reference}.pt"
    if name not in GITHUB_ASSETS_NAMES:
        raise WeightsUnavailable(
            f"There is no file {reference}, and no official weights of ultralytics have this name.",
            reference=reference,
        )
    folder = Path(SETTINGS["weights_dir"]) if cache_dir is None else cache_dir / "ultralytics"
    return folder / name if (folder / name).is_file() else _download(name, folder)


class _Embedding(nn.Module):
    """(B, 3, S, S) of 0..1 → (B, D)."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network
        # What `embed` of ultralytics takes where no layer is named.
        self.layer = len(network.model) - 2

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return torch.stack(list(self.network.predict(inputs, embed=[self.layer])))


def _download(name: str, folder: Path) -> Path:
    reason = f"{name} is not on this machine and cannot be downloaded"
    if not is_online():  # quick, where a connection would be waited for
        raise WeightsUnavailable(f"{reason}: there is no network.", reference=name)
    try:
        attempt_download_asset(folder / name, retry=0, progress=False)
    except (OSError, MemoryError, RuntimeError) as err:  # MemoryError: the disk is full
        raise WeightsUnavailable(f"{reason}: {err}", reference=name) from err
    return folder / name


def _read(path: Path) -> Any:
    """Return the network, in float32 and evaluation mode, its batch norms folded away."""
    try:
        content = _safely_loaded(path)
        network = content.get("ema") or content.get("model")
    except ModuleNotFoundError as err:
        raise CheckpointMismatch(
            f"{path.name} needs the module {err.name}, which is not part of ultralytics.",
            file=path.name,
        ) from err
    except _UNREADABLE as err:
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
    except _UNREADABLE as err:
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


def _input_px(network: Any, path: Path) -> int:
    """Return the size that it was trained at, rounded up to whole cells of its coarsest map."""
    arguments = getattr(network, "args", None)
    size_px = arguments.get("imgsz", 640) if isinstance(arguments, dict) else 640
    stride_px = max(32, int(torch.as_tensor(getattr(network, "stride", 32)).max()))
    if not isinstance(size_px, int) or not 0 < size_px <= MOST_SIDE_PX:
        raise CheckpointMismatch(
            f"{path.name} was trained at {size_px!r} px, which is no square of at most "
            f"{MOST_SIDE_PX} px.",
            file=path.name,
        )
    return -(-size_px // stride_px) * stride_px


def _dim(module: nn.Module, size_px: int, path: Path) -> int:
    """Return the length of an embedding, by making one."""
    try:
        with torch.inference_mode():
            rows = module(torch.zeros(1, 3, size_px, size_px))
    except _UNREADABLE as err:
        raise CheckpointMismatch(
            f"The network in {path.name} makes no embedding of an RGB picture: {err}",
            file=path.name,
        ) from err
    return int(rows.shape[1])
