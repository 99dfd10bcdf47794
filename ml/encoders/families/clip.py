"""The main encoder: the image tower of any CLIP or SigLIP checkpoint."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from transformers import CLIPVisionModelWithProjection, PreTrainedModel

from ml.encoders.base import PreprocessConfig
from ml.encoders.families import towers
from ml.encoders.network import EncoderNetwork
from ml.errors import CheckpointMismatch
from ml.weights.files import Checkpoint

NAME = "clip"
_FAMILIES = ("clip", "siglip")


def load_network(
    checkpoint: Checkpoint, *, preprocess: PreprocessConfig | None = None
) -> EncoderNetwork:
    """Return the image tower in a checkpoint, float32, on the CPU.

    A CLIP embedding is the projected image embedding, a SigLIP one the pooled output of its
    attention head: in both cases what the network was trained to compare. The text tower is not
    loaded.

    Args:
        checkpoint: where its files are.
        preprocess: what the checkpoint must say about its preprocessing; None takes what it says.

    Raises:
        CheckpointMismatch: not a CLIP or SigLIP checkpoint, not whole, damaged, or of another
            preprocessing.
    """
    tower = towers.load(
        checkpoint,
        families=_FAMILIES,
        wanted=f"encoder {NAME} runs CLIP and SigLIP of fixed resolution",
    )
    if not _has_one_embedding(tower):
        raise CheckpointMismatch(
            f"{checkpoint.weights} is a SigLIP tower without its pooling head, which has no one "
            "embedding for a picture.",
            weights=checkpoint.weights,
        )
    found = towers.read_preprocess(checkpoint, input_px=tower.config.image_size)
    if preprocess not in (None, found):
        raise CheckpointMismatch(
            f"The preprocessing of {checkpoint.weights} is {found}, not {preprocess} as the preset "
            "says.",
            weights=checkpoint.weights,
        )
    module = _ImageEmbedding(tower)
    return EncoderNetwork(
        name=NAME,
        family=NAME,
        module=module,
        config=towers.config_of(tower),
        preprocess=found,
        weights=checkpoint.weights,
        weights_sha256=checkpoint.sha256,
        dim=module.dim,
    )


def build(config: Mapping[str, Any]) -> nn.Module:
    """Return the network of a config, without its weights.

    Args:
        config: `EncoderNetwork.config` of this family.

    Raises:
        ValueError: not the config of a CLIP or SigLIP image tower with one embedding.
    """
    if str(config.get("model_type")).removesuffix("_vision_model") not in _FAMILIES:
        raise ValueError(f"encoder {NAME} has no tower {config.get('model_type')!r}")
    tower = towers.build(config)
    if not _has_one_embedding(tower):
        raise ValueError("a SigLIP tower without its pooling head has no one embedding")
    return _ImageEmbedding(tower)


class _ImageEmbedding(nn.Module):
    """(B, 3, S, S) → (B, D) of either family."""

    def __init__(self, tower: PreTrainedModel) -> None:
        super().__init__()
        self.tower = tower
        self.is_projected = isinstance(tower, CLIPVisionModelWithProjection)
        self.dim: int = (
            tower.config.projection_dim if self.is_projected else tower.config.hidden_size
        )

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        outputs = self.tower(pixel_values=inputs)
        embeddings: torch.Tensor = (
            outputs.image_embeds if self.is_projected else outputs.pooler_output
        )
        return embeddings

    def feature_map(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return (B, D, h, w): what the tower made of each patch, seen as embeddings are.

        CLIP's go through its last norm and its projection, which its own embedding's token does:
        patches that were not trained to stand alone, and still lie by what they show.
        """
        tower: Any = self.tower
        tokens: torch.Tensor = tower(pixel_values=inputs).last_hidden_state
        if self.is_projected:
            tokens = tower.vision_model.post_layernorm(tokens[:, 1:])
            tokens = tower.visual_projection(tokens)
        side = round(tokens.shape[1] ** 0.5)
        return tokens.transpose(1, 2).reshape(len(tokens), -1, side, side)


def _has_one_embedding(tower: PreTrainedModel) -> bool:
    return getattr(tower.config, "vision_use_head", True) is not False
