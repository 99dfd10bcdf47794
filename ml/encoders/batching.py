"""The part all torch encoders share: batches in, unit rows out."""

import logging
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from ml.encoders.base import EncoderSpec, FeatureMap
from ml.encoders.preprocess import pooled, seen_share, to_pixels
from ml.encoders.whitening import Whitening
from ml.errors import NonFiniteEmbedding, OutOfDeviceMemory
from ml.images.ahead import ahead
from ml.memory import keep_freed_memory

logger = logging.getLogger(__name__)

_GREY = 127
_TIMES_ON_DEVICES = 8
_MAPPERS = ("feature_map", "forward_features")


class TorchEncoder:
    """An `Encoder` around a torch network. Does not load weights: the families' `load` does."""

    def __init__(
        self,
        spec: EncoderSpec,
        network: nn.Module,
        *,
        whitening: Whitening | None = None,
        device: torch.device,
        dtype: torch.dtype,
        batch_size: int,
    ) -> None:
        """Take over a loaded network and move it to its device.

        Args:
            spec: what the embeddings are recorded with.
            network: maps (B, 3, S, S) normalised pixels to (B, D), S and D as in `spec`.
            whitening: what the network's outputs go through, in float32; None is nothing.
            device: where it runs.
            dtype: number format that it runs in; embeddings are float32 regardless.
            batch_size: pictures in one forward pass at most, ≥ 1. On other devices than the CPU
                eight times as many are tried, and halved until their memory holds them.
        """
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        if device.type == "cpu":
            keep_freed_memory()
        self.spec = spec
        self._network = network.eval().requires_grad_(requires_grad=False).to(device, dtype)
        self._device = device
        self._dtype = dtype
        self._batch_size = batch_size
        self._whitening = None if whitening is None else whitening.to(device)
        # Folded into one multiplication and one addition on 0..255.
        std = torch.tensor(spec.preprocess.std, device=device).view(1, 3, 1, 1)
        mean = torch.tensor(spec.preprocess.mean, device=device).view(1, 3, 1, 1)
        self._scale = 1 / (255 * std)
        self._shift = -mean / std
        if device.type != "cpu":
            self._batch_size *= _TIMES_ON_DEVICES
            self._find_batch_size()

    def encode(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Embed pictures, one row each, in input order; see `Encoder.encode`."""
        embeddings = np.empty((len(images), self.spec.dim), dtype=np.float32)
        size = self._batch_size
        starts = range(0, len(images), size)
        prepared = (
            to_pixels(images[start : start + size], self.spec.preprocess) for start in starts
        )
        # On a CPU both would want the same cores.
        parts = prepared if self._device.type == "cpu" else ahead(prepared)
        for start, pixels in zip(starts, parts, strict=True):
            embeddings[start : start + size] = self._embed_what_fits(pixels)
        return embeddings

    def feature_maps(self, images: Sequence[Image.Image]) -> list[FeatureMap] | None:
        """Return what the network sees where; None of a network that has no map.

        A network has one where it has `feature_map`, or timm's `forward_features`: (B, 3, S, S) →
        (B, C, h, w).
        """
        mapper = next(filter(None, (getattr(self._network, name, None) for name in _MAPPERS)), None)
        shares = [seen_share(image.size, self.spec.preprocess) for image in images]
        if mapper is None or None in shares:
            return None
        pixels = to_pixels(images, self.spec.preprocess)
        maps = []
        for picture, seen in zip(pixels, shares, strict=True):
            with torch.inference_mode():
                inputs = self._normalised(picture[None])
                cells = mapper(inputs)[0].float().permute(1, 2, 0).cpu().numpy()
            maps.append(FeatureMap(self._as_rows(pooled(cells)), seen or (0, 0, 1, 1)))
        return maps

    def _as_rows(self, cells: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (R, C, D) unit rows of (R, C, D) cells, turned as embeddings are."""
        flat = torch.from_numpy(cells.reshape(-1, cells.shape[2]))
        rows = flat if self._whitening is None else self._whitening(flat.to(self._device)).cpu()
        unit = torch.nn.functional.normalize(rows, dim=1) * flat.any(dim=1, keepdim=True)
        found: NDArray[np.float32] = unit.numpy().reshape(*cells.shape[:2], -1)
        return found

    def _normalised(self, pixels: NDArray[np.uint8]) -> torch.Tensor:
        """Return (B, 3, S, S) of (B, S, S, 3) pixels, as the network takes them."""
        # Pixels lie channels last in memory, which convolutions on a CPU prefer; the permutation
        # only renames the axes.
        inputs = torch.from_numpy(pixels).to(self._device).permute(0, 3, 1, 2)
        return torch.addcmul(self._shift, inputs.float(), self._scale).to(self._dtype)

    def _find_batch_size(self) -> None:
        """Halve the batch until a pass of it fits: now, and not on the first import."""
        side = self.spec.preprocess.size_px
        self._embed_what_fits(np.full((self._batch_size, side, side, 3), _GREY, np.uint8))

    def _embed_what_fits(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Map (B, S, S, 3) pixels to (B, D) unit rows, in as many passes as the memory asks for.

        Raises:
            OutOfDeviceMemory: not even one picture fits.
        """
        rows: list[NDArray[np.float32]] = []
        start = 0
        while start < len(pixels):
            part = pixels[start : start + self._batch_size]
            try:
                rows.append(self._embed(part))
            except OutOfDeviceMemory:
                if len(part) == 1:
                    raise
                self._batch_size = len(part) // 2
                logger.warning("batch halved", extra={"pictures": self._batch_size})
                if self._device.type == "cuda":
                    torch.cuda.empty_cache()
                continue
            start += len(part)
        return np.concatenate(rows)

    def _embed(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Map (B, S, S, 3) pixels to (B, D) unit rows."""
        try:
            with torch.inference_mode():
                outputs = self._network(self._normalised(pixels)).float()
                rows = outputs if self._whitening is None else self._whitening(outputs)
                lengths = rows.norm(dim=1, keepdim=True)
                # A whitening makes something of zeros, too.
                is_anything = outputs.any(dim=1, keepdim=True) & (lengths > 0)
                if not (is_anything & torch.isfinite(lengths)).all():
                    raise NonFiniteEmbedding(
                        f"Encoder {self.spec.name} returned NaN, infinity or zeros.",
                        encoder=self.spec.name,
                        weights=self.spec.weights,
                    )
                embeddings: NDArray[np.float32] = (rows / lengths).cpu().numpy()
        except torch.OutOfMemoryError as err:
            raise OutOfDeviceMemory(
                f"{len(pixels)} pictures at once do not fit into the memory of {self._device}.",
                device=str(self._device),
                batch_size=len(pixels),
            ) from err
        return embeddings
