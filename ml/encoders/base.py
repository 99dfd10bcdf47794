"""What an encoder is, and what makes two sets of embeddings comparable."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Resize = Literal["shortest_side", "squash", "letterbox"]
Interpolation = Literal["bilinear", "bicubic", "lanczos"]

_MOST_SIDE_PX = 2048


@dataclass(frozen=True, slots=True)
class PreprocessConfig:
    """How an upright RGB picture becomes a network's input.

    Attributes:
        size_px: width and height of the input.
        resize: "shortest_side" keeps the shape: the short side becomes `resize_px`, then the middle
            `size_px` square is cut out. "squash" makes the whole picture `size_px` square.
            "letterbox" keeps the shape: the long side becomes `size_px`, grey fills the rest.
        resize_px: see above; equal to `size_px` for "squash" and "letterbox".
        interpolation: filter of the resize, antialiased, as Pillow computes it; for "letterbox" as
            OpenCV does, not antialiased, because detectors are trained that way.
        mean: subtracted from each channel (R, G, B) after scaling to 0..1.
        std: what each channel is then divided by.
    """

    size_px: int
    resize: Resize
    resize_px: int
    interpolation: Interpolation
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "PreprocessConfig":
        """Return the config in a JSON object that has all attributes, tuples as lists.

        Raises:
            ValueError: a side is not between 1 and 2,048 px.
            KeyError, TypeError: an attribute is missing, is none of these or of another type.
        """
        for side_px in (values["size_px"], values["resize_px"]):
            if not 0 < side_px <= _MOST_SIDE_PX:
                raise ValueError(f"an input of {side_px} px")
        return cls(**{**values, "mean": tuple(values["mean"]), "std": tuple(values["std"])})

    def sha256(self) -> str:
        """Return the hex digest of the canonical JSON (sorted keys, no spaces) of all values."""
        canonical = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """What an embedding must be recorded with: equal specs make comparable embeddings.

    Attributes:
        name: the encoder's family, as the registry knows it.
        weights: where the weights came from: hub id@commit, package, or a folder's name.
        weights_sha256: hex digest of the weights themselves (see `ml.encoders.hub.sha256_of`).
        dim: length of an embedding.
        preprocess: how pictures were prepared.
    """

    name: str
    weights: str
    weights_sha256: str
    dim: int
    preprocess: PreprocessConfig


class Encoder(Protocol):
    """Maps pictures to embeddings. Does not decode files, choose regions or store anything."""

    @property
    def spec(self) -> EncoderSpec:
        """What the embeddings are recorded with."""
        ...

    def encode(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Embed pictures, one row each, in input order. The pictures are not changed.

        Args:
            images: N upright RGB pictures, any size ≥ 1 px. The encoder cuts them into batches.

        Returns:
            (N, D) float32, rows of unit length (‖x‖₂ = 1 ± 1e-5), D = `spec.dim`.
            N = 0 gives (0, D).

        Raises:
            OutOfDeviceMemory: a batch does not fit; the caller may load with a smaller one.
            NonFiniteEmbedding: the network returned NaN, infinity or zeros for some picture.
        """
        ...
