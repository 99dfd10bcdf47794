"""A network that embeds, before it is frozen for serving: what training needs of an encoder."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ml.encoders.base import EncoderSpec, PreprocessConfig
from ml.encoders.batching import TorchEncoder
from ml.encoders.whitening import Whitening


@dataclass(frozen=True, slots=True)
class EncoderNetwork:
    """A loaded network and all that is needed to run, train, save and rebuild it.

    Attributes:
        name: what its embeddings are recorded under; the family's name where it has no own.
        family: who builds it: "clip", "clip_blip_fusion", "efficientnet_lite" or "yolo".
        module: (B, 3, S, S) normalised float pixels → (B, D) of any length; parameters float32.
        config: JSON values from which the family builds `module`, without its weights.
        preprocess: how pictures become its input; S is `preprocess.size_px`.
        weights: where the weights came from: hub id@commit, package, or a folder's name.
        weights_sha256: hex digest of the weights that were loaded.
        dim: D.
        whitening: what the module's outputs go through before they are made unit; None is nothing.
    """

    name: str
    family: str
    module: nn.Module
    config: Mapping[str, Any]
    preprocess: PreprocessConfig
    weights: str
    weights_sha256: str
    dim: int
    whitening: Whitening | None = None

    def to_encoder(
        self, *, device: torch.device, dtype: torch.dtype, batch_size: int
    ) -> TorchEncoder:
        """Return the encoder around `module`, which is frozen and moved: training it is over."""
        spec = EncoderSpec(
            name=self.name,
            weights=self.weights,
            weights_sha256=self.weights_sha256,
            dim=self.dim,
            preprocess=self.preprocess,
            precision=str(dtype).removeprefix("torch."),
        )
        return TorchEncoder(
            spec,
            self.module,
            whitening=self.whitening,
            device=device,
            dtype=dtype,
            batch_size=batch_size,
        )
