"""An encoder whose network the inference runtime runs: on a CPU, without torch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.encoders.base import EncoderSpec, FeatureMap
from ml.encoders.preprocess import pooled, seen_share, to_pixels
from ml.errors import NonFiniteEmbedding
from ml.runtime.network import CompiledNetwork

_AT_ONCE = 32  # pictures whose pixels are in memory together
# As `whitening` has it.
_MIN_MAGNITUDE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class WhiteningArrays:
    """`ml.encoders.whitening.Whitening` for those who have no torch; a test compares the two.

    Attributes:
        centre: (D,) float32.
        projection: (D, D) float32.
    """

    centre: NDArray[np.float32]
    projection: NDArray[np.float32]

    def __call__(self, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (N, D) float32 rows, not of unit length, of (N, D) float32 outputs of any."""
        rows = _unit(outputs)
        rooted = _unit((rows / np.sqrt(np.abs(rows) + _MIN_MAGNITUDE)).astype(np.float32))
        whitened: NDArray[np.float32] = ((rooted - self.centre) @ self.projection).astype(
            np.float32
        )
        return whitened


class CompiledEncoder:
    """An `Encoder` around a compiled network. Does not load weights: the families do."""

    def __init__(
        self,
        spec: EncoderSpec,
        network: CompiledNetwork,
        *,
        whitening: WhiteningArrays | None,
        mapper: Callable[[], CompiledNetwork] | None = None,
    ) -> None:
        """Take over a compiled network.

        Args:
            spec: what the embeddings are recorded with.
            network: maps (B, S, S, 3) uint8 pixels to (B, D) float32, S and D as in `spec`.
            whitening: what the network's outputs go through, in float32; None is nothing.
            mapper: returns the network without its mean: to (B, C, h, w); None has none. Few ask
                for maps, so that it is made and compiled by whoever asks first.
        """
        self.spec = spec
        self._network = network
        self._whitening = whitening
        self._mapper = mapper

    def feature_maps(self, images: Sequence[Image.Image]) -> list[FeatureMap] | None:
        """Return what the network sees where, before the mean; see `FeatureMapper`.

        Each cell is turned into a row as an embedding is: as if the picture were that cell alone.
        """
        if self._mapper is None:
            return None
        maps = []
        for image in images:
            seen = seen_share(image.size, self.spec.preprocess)
            if seen is None:
                return None
            [outputs] = self._mapper().run(to_pixels([image], self.spec.preprocess))
            cells = pooled(outputs[0].transpose(1, 2, 0))
            flat = cells.reshape(-1, cells.shape[2])
            rows = flat if self._whitening is None else self._whitening(flat)
            rows = np.where(flat.any(axis=1, keepdims=True), _unit(rows), np.float32(0))
            maps.append(FeatureMap(rows.reshape(*cells.shape[:2], -1), seen))
        return maps

    def encode(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Embed pictures, one row each, in input order; see `Encoder.encode`."""
        embeddings = np.empty((len(images), self.spec.dim), dtype=np.float32)
        for start in range(0, len(images), _AT_ONCE):
            stop = start + _AT_ONCE
            pixels = to_pixels(images[start:stop], self.spec.preprocess)
            [outputs] = self._network.run(pixels)
            embeddings[start:stop] = self._embeddings(outputs)
        return embeddings

    def _embeddings(self, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the (N, D) unit rows of (N, D) outputs of the network."""
        rows = outputs if self._whitening is None else self._whitening(outputs)
        # A whitening makes something of zeros, too.
        is_something = outputs.any(axis=1) & rows.any(axis=1)
        if not (is_something.all() and np.isfinite(rows).all()):
            raise NonFiniteEmbedding(
                f"Encoder {self.spec.name} returned NaN, infinity or zeros.",
                encoder=self.spec.name,
                weights=self.spec.weights,
            )
        return _unit(rows)


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (N, D) rows of unit length; of zeros, zeros."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: NDArray[np.float32] = rows / np.maximum(lengths, np.finfo(np.float32).tiny)
    return unit
