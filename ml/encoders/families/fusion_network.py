"""CLIP's and BLIP's vision towers, whose tokens attend to each other's before they are pooled.

Names of the parameters, for patterns that freeze them: `clip.*` and `blip.*` are the two towers,
`blocks.*` the cross-attention, `pools.*` the pooling and `projection.*` the last layer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import nn
from torch.nn import functional

from ml.encoders.families import towers

Mode = Literal["fusion", "concat", "clip", "blip"]
Pooling = Literal["attention", "mean"]
MODES: tuple[Mode, ...] = get_args(Mode)


@dataclass(frozen=True, slots=True)
class FusionConfig:
    """The part of the network that is not in the towers.

    Attributes:
        mode: "fusion" is the whole network; "concat" leaves the cross-attention out; "clip" and
            "blip" leave out the other tower as well. The last three are for comparison.
        dim: length of an embedding.
        depth: cross-attention blocks, one after the other.
        width: length of queries, keys and values in one attention, all heads together.
        heads: into which the width is divided.
        mlp_ratio: width of a block's hidden layer, in widths of the tower.
        pooling: "attention" lets a tower's class token gather what it needs from all tokens;
            "mean" averages the patch tokens.
        seed: of the first values of all weights that are not the towers'.
    """

    mode: Mode = "fusion"
    dim: int = 512
    depth: int = 2
    width: int = 512
    heads: int = 8
    mlp_ratio: int = 2
    pooling: Pooling = "attention"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}, got {self.mode!r}")
        if self.pooling not in get_args(Pooling):
            raise ValueError(f"pooling must be attention or mean, got {self.pooling!r}")
        sizes = (self.dim, self.depth, self.width, self.heads, self.mlp_ratio)
        if not all(isinstance(size, int) and size >= 1 for size in sizes):
            raise ValueError("dim, depth, width, heads and mlp_ratio must be whole and at least 1")
        if self.width % self.heads:
            raise ValueError(f"width {self.width} cannot be divided into {self.heads} heads")

    @property
    def tower_names(self) -> tuple[str, ...]:
        """The towers that this mode has, in the order in which they are concatenated."""
        return (self.mode,) if self.mode in ("clip", "blip") else ("clip", "blip")


class FusionNetwork(nn.Module):
    """(B, 3, S, S) → (B, D); S, and what else the input is, as the config's "input" says."""

    def __init__(self, values: Mapping[str, Any], parts: Mapping[str, nn.Module]) -> None:
        """Put new, seeded weights on two towers.

        Args:
            values: `FusionConfig`'s, "input" and, for each tower, "towers" with its "input".
            parts: the towers by name, in the order of `FusionConfig.tower_names`.

        Raises:
            KeyError: a value is missing.
            ValueError: a value is out of range, or these are other towers than the mode's.
        """
        super().__init__()
        fields = FusionConfig.__dataclass_fields__
        config = FusionConfig(**{name: values[name] for name in fields})
        if not _are_towers_of(config, parts):
            raise ValueError(f"mode {config.mode} has the towers {', '.join(config.tower_names)}")
        self.names = config.tower_names
        self.inputs = nn.ModuleDict(
            {
                name: _InputOf(values["input"], values["towers"][name]["input"])
                for name in self.names
            }
        )
        for name in self.names:
            setattr(self, name, parts[name])
        widths = {name: int(_tower_config(parts[name]).hidden_size) for name in self.names}
        depth = config.depth if config.mode == "fusion" else 0
        self.blocks = nn.ModuleList(_CrossBlock(widths, config) for _ in range(depth))
        self.pools = nn.ModuleDict({name: _pool(widths[name], config) for name in self.names})
        pooled = sum(_pooled_dim(parts[name]) for name in self.names)
        self.projection = nn.Linear(pooled, config.dim, bias=False)
        self._initialise(torch.Generator().manual_seed(config.seed))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return (B, D) embeddings of any length for (B, 3, S, S) normalised pixels."""
        tokens = {name: self._tokens(name, self.inputs[name](inputs)) for name in self.names}
        for block in self.blocks:
            tokens = block(tokens)
        pooled = [self._summary(name, self.pools[name](tokens[name])) for name in self.names]
        # Of one length each, so that neither tower's scale outweighs the other.
        joined = torch.cat([functional.normalize(part, dim=1) for part in pooled], dim=1)
        projected: torch.Tensor = self.projection(joined)
        return projected

    def _tokens(self, name: str, inputs: torch.Tensor) -> torch.Tensor:
        """Return (B, 1 + patches, W) of a tower, the class token first, after its last norm."""
        tower: Any = getattr(self, name)
        is_trained = any(parameter.requires_grad for parameter in tower.parameters())
        with torch.set_grad_enabled(is_trained and torch.is_grad_enabled()):
            tokens: torch.Tensor = tower.vision_model(pixel_values=inputs).last_hidden_state
            # BLIP's has gone through its norm already.
            return tower.vision_model.post_layernorm(tokens) if name == "clip" else tokens

    def _summary(self, name: str, pooled: torch.Tensor) -> torch.Tensor:
        """Return what the tower's own model would call its embedding, given its class token."""
        tower: Any = getattr(self, name)
        if name == "clip":
            projected: torch.Tensor = tower.visual_projection(pooled)
            return projected
        normalised: torch.Tensor = tower.vision_model.post_layernorm(pooled)
        return normalised

    def _initialise(self, generator: torch.Generator) -> None:
        # The blocks last, so that the modes begin with the same numbers everywhere else.
        nn.init.orthogonal_(self.projection.weight, generator=generator)
        for part in (self.pools, self.blocks):
            for name, module in part.named_modules():
                if isinstance(module, nn.Linear):
                    nn.init.xavier_uniform_(module.weight, generator=generator)
                    nn.init.zeros_(module.bias)
                # Every branch ends in one of these and is added to what it began with.
                if name.endswith(".out"):
                    nn.init.zeros_(module.weight)


class _InputOf(nn.Module):
    """The shared (B, 3, S, S) input → that of one tower: other normalisation, other size."""

    scale: torch.Tensor
    shift: torch.Tensor

    def __init__(self, shared: Mapping[str, Any], own: Mapping[str, Any]) -> None:
        super().__init__()
        self.size_px = int(own["size_px"])
        self.is_same_size = self.size_px == int(shared["size_px"])
        self.is_same_scale = (own["mean"], own["std"]) == (shared["mean"], shared["std"])
        std, own_std = _channels(shared["std"]), _channels(own["std"])
        scale, shift = std / own_std, (_channels(shared["mean"]) - _channels(own["mean"])) / own_std
        # From the config, and not to be overwritten by a checkpoint.
        self.register_buffer("scale", scale, persistent=False)
        self.register_buffer("shift", shift, persistent=False)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        if not self.is_same_size:
            # Antialiased, as Pillow resizes for either tower: without, fine lines would flicker.
            # In float32, because on a CPU torch does this in no shorter format.
            size = (self.size_px, self.size_px)
            resized = functional.interpolate(inputs.float(), size, mode="bicubic", antialias=True)
            inputs = resized.to(inputs.dtype)
        return inputs if self.is_same_scale else inputs * self.scale + self.shift


class _CrossBlock(nn.Module):
    """Both towers' tokens, each after a look at the other's; both look at what was there before."""

    def __init__(self, widths: Mapping[str, int], config: FusionConfig) -> None:
        super().__init__()
        self.clip = _CrossBranch(widths["clip"], widths["blip"], config)
        self.blip = _CrossBranch(widths["blip"], widths["clip"], config)

    def forward(self, tokens: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {
            "clip": self.clip(tokens["clip"], tokens["blip"]),
            "blip": self.blip(tokens["blip"], tokens["clip"]),
        }


class _CrossBranch(nn.Module):
    """(B, N, W) tokens and (B, M, V) others → (B, N, W): attention and a hidden layer, pre-norm."""

    def __init__(self, width: int, other_width: int, config: FusionConfig) -> None:
        super().__init__()
        self.attention = _Attention(width, other_width, config)
        self.norm = nn.LayerNorm(width)
        self.hidden = nn.Linear(width, width * config.mlp_ratio)
        self.out = nn.Linear(width * config.mlp_ratio, width)

    def forward(self, tokens: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
        tokens = tokens + self.attention(tokens, others)
        added: torch.Tensor = self.out(functional.gelu(self.hidden(self.norm(tokens))))
        return tokens + added


class _Attention(nn.Module):
    """(B, N, W) that ask and (B, M, V) that are asked → (B, N, W) to be added to the former."""

    def __init__(self, width: int, other_width: int, config: FusionConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.norm, self.other_norm = nn.LayerNorm(width), nn.LayerNorm(other_width)
        self.query = nn.Linear(width, config.width)
        self.key = nn.Linear(other_width, config.width)
        self.value = nn.Linear(other_width, config.width)
        self.out = nn.Linear(config.width, width)

    def forward(self, tokens: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
        others = self.other_norm(others)
        attended = functional.scaled_dot_product_attention(
            self._by_head(self.query(self.norm(tokens))),
            self._by_head(self.key(others)),
            self._by_head(self.value(others)),
        )
        added: torch.Tensor = self.out(attended.transpose(1, 2).flatten(2))
        return added

    def _by_head(self, rows: torch.Tensor) -> torch.Tensor:
        batch, count, width = rows.shape
        return rows.view(batch, count, self.heads, width // self.heads).transpose(1, 2)


class _AttentionPool(nn.Module):
    """(B, 1 + patches, W) → (B, W): the class token, after it looked at all tokens."""

    def __init__(self, width: int, config: FusionConfig) -> None:
        super().__init__()
        self.attention = _Attention(width, width, config)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        class_token = tokens[:, :1]
        pooled: torch.Tensor = class_token + self.attention(class_token, tokens)
        return pooled.squeeze(1)


class _MeanPool(nn.Module):
    """(B, 1 + patches, W) → (B, W): the mean of the patches."""

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return tokens[:, 1:].mean(dim=1)


def _are_towers_of(config: FusionConfig, parts: Mapping[str, nn.Module]) -> bool:
    kinds = {"clip": towers.ClipTower, "blip": towers.BlipTower}
    return tuple(parts) == config.tower_names and all(
        isinstance(part, kinds[name]) for name, part in parts.items()
    )


def _pool(width: int, config: FusionConfig) -> nn.Module:
    return _AttentionPool(width, config) if config.pooling == "attention" else _MeanPool()


def _channels(values: list[float]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32).view(1, 3, 1, 1)


def _tower_config(tower: nn.Module) -> Any:
    return tower.config


def _pooled_dim(tower: nn.Module) -> int:
    """Return the length of the tower's own embedding."""
    config = _tower_config(tower)
    is_projected = isinstance(tower, towers.ClipTower)
    return int(config.projection_dim if is_projected else config.hidden_size)
