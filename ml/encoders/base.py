"""What an encoder is, and what makes two sets of embeddings comparable."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol, get_args, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.weights.files import MAX_INPUT_PX

Resize = Literal["shortest_side", "squash", "letterbox"]
Interpolation = Literal["bilinear", "bicubic", "lanczos"]

_CHANNELS = 3


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
            ValueError: an attribute has no possible value.
            KeyError, TypeError: an attribute is missing, or is none of these.
        """
        config = cls(**{**values, "mean": tuple(values["mean"]), "std": tuple(values["std"])})
        if config.resize not in get_args(Resize):
            raise ValueError(f"no resize {config.resize!r}")
        if config.interpolation not in get_args(Interpolation):
            raise ValueError(f"no interpolation {config.interpolation!r}")
        if not _is_whole(config.size_px) or not 0 < config.size_px <= MAX_INPUT_PX:
            raise ValueError(f"an input of {config.size_px!r} px")
        if not _is_whole(config.resize_px) or not 0 <= config.resize_px - config.size_px <= (
            MAX_INPUT_PX if config.resize == "shortest_side" else 0
        ):
            raise ValueError(f"an input of {config.size_px} px out of {config.resize_px!r} px")
        for name, numbers in (("mean", config.mean), ("std", config.std)):
            is_right = len(numbers) == _CHANNELS and all(_is_finite(number) for number in numbers)
            if not is_right or (name == "std" and min(numbers) <= 0):
                raise ValueError(f"no {name} of three channels: {numbers!r}")
        return config

    def sha256(self) -> str:
        """Return the hex digest of the canonical JSON (sorted keys, no spaces) of all values."""
        canonical = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """What an embedding must be recorded with: equal specs make comparable embeddings.

    Attributes:
        name: the encoder's family, as the registry knows it.
        weights: where the weights came from: hub id@commit, package, or a folder's name.
        weights_sha256: hex digest of the weights themselves (see `ml.weights.files.sha256_of`).
        dim: length of an embedding.
        preprocess: how pictures were prepared.
        precision: number format that the network computes in: "float32", "bfloat16" or "float16".
    """

    name: str
    weights: str
    weights_sha256: str
    dim: int
    preprocess: PreprocessConfig
    precision: str


@dataclass(frozen=True, slots=True, eq=False)
class FeatureMap:
    """What a network sees in each cell of a grid over a picture, or over the part that it looks at.

    Attributes:
        features: (R, C, D) float32, R rows from above and C columns from the left, at most
            `MAX_MAP_SIDE` of each; of unit length, or zeros where there is nothing. Their cosines
            grow with likeness; only maps of one encoder can be compared.
        seen: x0, y0, x1, y1 of the grid, in shares of the picture's width and height, 0..1.
    """

    features: NDArray[np.float32]
    seen: tuple[float, float, float, float]


MAX_MAP_SIDE = 16


@runtime_checkable
class FeatureMapper(Protocol):
    """An encoder that also tells what it sees where; not all do."""

    def feature_maps(self, images: Sequence[Image.Image]) -> list[FeatureMap] | None:
        """Return a map a picture, as `Encoder.encode` takes them; None where there are none."""
        ...


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


@dataclass(frozen=True, slots=True)
class WordsSpec:
    """What embeddings of words are compared with: those of pictures of the same weights.

    Attributes:
        weights: as `EncoderSpec.weights`.
        weights_sha256: as `EncoderSpec.weights_sha256`, of all towers of the checkpoint.
        dim: length of an embedding, that of a picture's.
    """

    weights: str
    weights_sha256: str
    dim: int


class WordsEncoder(Protocol):
    """Maps words to the space that an encoder's pictures lie in. Few encoders have one."""

    @property
    def spec(self) -> WordsSpec:
        """What the embeddings may be compared with."""
        ...

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts, one row each, in input order.

        Args:
            texts: N texts in any script; what is beyond the network's own length is left out.

        Returns:
            (N, D) float32, rows of unit length (‖x‖₂ = 1 ± 1e-5), D = `spec.dim`: the dot product
            with a picture's embedding grows as the picture fits the words. N = 0 gives (0, D).

        Raises:
            NonFiniteEmbedding: the network returned NaN, infinity or zeros for some text.
        """
        ...
