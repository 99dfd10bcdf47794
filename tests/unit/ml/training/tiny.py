"""A network of a few thousand weights, pictures it can learn, and a short way to a config."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn

from ml.encoders import checkpoint
from ml.encoders.base import PreprocessConfig
from ml.encoders.network import EncoderNetwork
from ml.training.config import TrainingConfig
from ml.training.recipe import read

SIDE_PX = 16
PREPROCESS = PreprocessConfig(
    size_px=SIDE_PX,
    resize="squash",
    resize_px=SIDE_PX,
    interpolation="bilinear",
    mean=(0.5, 0.5, 0.5),
    std=(0.25, 0.25, 0.25),
)
# Views that are the picture itself: what is compared exactly must not be drawn by chance.
PLAIN_VIEWS = {
    "views.photo_share": 1.0,
    "views.photo_area": 1.0,
    "views.flip": 0.0,
    "views.colour": 0.0,
    "views.grey": 0.0,
    "views.blur": 0.0,
    "views.jpeg": 0.0,
    "views.background": 0.0,
    "views.copy_edit": 0.0,
}


# Everything whose state has to survive a resume, in batches of few views.
EVERYTHING = {
    "batch__subjects": 3,
    "batch__views": 3,
    "batch__accumulate": 2,
    "views__background": 0.5,
    "loss__anchor_photo_weight": 0.2,
    "loss__anchor_drawing_weight": 0.1,
    "loss__relation_weight": 0.1,
    "optimiser__lr": 0.01,
    "optimiser__ema_decay": 0.9,
    "optimiser__warm_up": 0.4,
    "tune__is_batch_norm_frozen": False,
    "data__held_out_share": 0.25,
}


class TinyNet(nn.Module):
    """One of everything that training treats in its own way."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(8 * 16, 16)

    def forward(self, inputs):
        features = nn.functional.adaptive_avg_pool2d(self.norm(self.stem(inputs)).relu(), 4)
        return self.head(self.drop(features.flatten(1)))


def network(*, seed: int = 0, weights_sha256: str = "0" * 64) -> EncoderNetwork:
    torch.manual_seed(seed)
    return EncoderNetwork(
        name="tiny",
        family="tiny",
        module=TinyNet(),
        config={},
        preprocess=PREPROCESS,
        weights="random",
        weights_sha256=weights_sha256,
        dim=16,
    )


def blocks(rng: np.random.Generator, side_px: int = 48) -> Image.Image:
    """A picture of 6 × 6 coloured squares, unlike any other."""
    colours = rng.integers(0, 256, (6, 6, 3))
    return Image.fromarray(np.kron(colours, np.ones((side_px // 6,) * 2 + (1,))).astype(np.uint8))


def write_blocks(folder: Path, names: list[str], rng: np.random.Generator) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        blocks(rng).save(path)
    return folder


def recipe(path: Path, **values: Any) -> TrainingConfig:
    """A config; a value's dots are written as two underscores."""
    named = {name.replace("__", "."): value for name, value in values.items()}
    defaults = {"data.path": str(path), "data.kind": "made", "device": "cpu", "precision": "fp32"}
    return read(None, defaults | named)


class Log:
    """Remembers every number; raises in the middle of a step where it is told to."""

    def __init__(self, *, raises_at: int | None = None) -> None:
        self.values: list[tuple[int, dict[str, float]]] = []
        self.is_closed = False
        self._raises_at = raises_at

    def log(self, step, values):
        if step == self._raises_at:
            raise KeyboardInterrupt
        self.values.append((step, dict(values)))

    def close(self):
        self.is_closed = True

    def curve(self, name):
        return [values[name] for _, values in self.values if name in values]


def encoder_of(saved):
    return saved.to_encoder(device=torch.device("cpu"), dtype=torch.float32, batch_size=4)


def saved_weights(folder):
    return load_file(folder / checkpoint.WEIGHTS)


def assert_equal_weights(left, right):
    assert left.keys() == right.keys()
    for name in left:
        assert torch.equal(left[name], right[name]), name
