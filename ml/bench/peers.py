"""How fast this machine runs what people use instead, on the same pictures.

imagededup's perceptual hash says that two pictures are nearly the same, and nothing else. CLIP
ViT-B/32 as open_clip has it is what rclip and clip-retrieval embed pictures with: one embedding of
the full image, without objects, panels, or a proof of copies. Its weights are random here: speed
is all that is asked. Neither belongs to the product, so neither is among its requirements.
"""

import logging
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import torch
from PIL import Image

from ml.bench.timing import Clock, seconds_in_turns
from ml.errors import MlError, NoPictures
from ml.evaluation.datasets import list_pictures

# They share the product's torch, so they come without what they depend on, and with the rest of it.
_PACKAGES = "imagededup PyWavelets open_clip_torch ftfy wcwidth"
_INSTALL = (
    f"Install them beside the product, not into it: python -m pip install --no-deps "
    f"--target FOLDER {_PACKAGES} and run this again with PYTHONPATH=FOLDER."
)
_NETWORK = "ViT-B-32"


class PeersNotInstalled(MlError):
    """What is to be timed is not there; the reason says how to install it."""

    code: ClassVar[str] = "ml:peers-not-installed"


@dataclass(frozen=True, slots=True)
class PeerSpeed:
    """One of them: its name, and pictures a second from files on, median of the rounds."""

    name: str
    per_s: float


def measure(
    folder: Path, *, count: int, batch_size: int, rounds: int, clock: Clock = time.perf_counter
) -> list[PeerSpeed]:
    """Time them in turns on a folder's first pictures, after a pass of each that does not count.

    Reading and preparing the pictures counts, as it does in the product's own figures. Both use
    every core, as they do when a person runs them.

    Args:
        folder: pictures that can be read, at any depth.
        count: how many, at most.
        batch_size: pictures in one pass of the network.
        rounds: how often each is timed, ≥ 1.
        clock: seconds, of which only differences matter.

    Raises:
        EvaluationDataInvalid: there is no such folder, or nothing in it is named as a picture.
        PeersNotInstalled: one of them is missing.
        NoPictures: one of the files cannot be read.
    """
    paths = list(islice(list_pictures(folder), count))
    hashing, network = _imported("imagededup.methods"), _imported("open_clip")
    with _quiet(), tempfile.TemporaryDirectory() as links:
        model, _, prepare = network.create_model_and_transforms(_NETWORK, pretrained=None)
        for number, path in enumerate(paths):
            (Path(links) / f"{number:06}{path.suffix}").symlink_to(path.resolve())
        works = {
            "imagededup PHash": partial(_hash, hashing.PHash(verbose=False), Path(links)),
            f"open_clip {_NETWORK}": partial(_embed, model.eval(), prepare, paths, batch_size),
        }
        for work in works.values():
            work()
        taken = seconds_in_turns(*works.values(), rounds=rounds, clock=clock)
    return [
        PeerSpeed(name, len(paths) / statistics.median(seconds))
        for name, seconds in zip(works, taken, strict=True)
    ]


def _imported(module: str) -> Any:
    try:
        return import_module(module)
    except ModuleNotFoundError as err:
        raise PeersNotInstalled(f"{err.name} is not installed. {_INSTALL}") from err


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep their log lines, one or more a pass, off the terminal and out of the time."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _hash(method: Any, folder: Path) -> None:
    hashes = method.encode_images(image_dir=str(folder))
    there = len(list(folder.iterdir()))
    if len(hashes) != there:
        raise NoPictures(f"imagededup could not read {there - len(hashes)} of the pictures.")


def _embed(model: Any, prepare: Any, paths: Sequence[Path], batch_size: int) -> None:
    for start in range(0, len(paths), batch_size):
        images = [_prepared(path, prepare) for path in paths[start : start + batch_size]]
        with torch.inference_mode():
            model.encode_image(torch.stack(images))


def _prepared(path: Path, prepare: Any) -> torch.Tensor:
    try:
        with Image.open(path) as opened:
            tensor: torch.Tensor = prepare(opened)
    except OSError as err:
        raise NoPictures(f"{path} cannot be read: {err}.") from err
    return tensor
