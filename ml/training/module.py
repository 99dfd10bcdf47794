"""The network under training: pixels in, losses out, and what of it may move."""

import copy
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any, TypeVar

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from ml.encoders.base import PreprocessConfig
from ml.encoders.whitening import Whitening
from ml.errors import InvalidTrainingConfig
from ml.training.config import StyleConfig, TuneConfig
from ml.training.losses import Batch, CombinedLoss
from ml.training.style import mixed_styles

_T = TypeVar("_T")
_NO_STYLE = StyleConfig()
_LORA_PREFIX = "base_model.model."


class TrainingModule(nn.Module):
    """A network and the losses around it. Owns every parameter that moves."""

    def __init__(
        self,
        network: nn.Module,
        loss: CombinedLoss,
        preprocess: PreprocessConfig,
        *,
        whitening: Whitening | None = None,
        style: StyleConfig = _NO_STYLE,
    ) -> None:
        super().__init__()
        self.network = network
        self.loss = loss
        self.whitening = whitening
        self._mixing_probability = style.probability
        # In a tuple: a module in a list or attribute would be registered a second time.
        found = dict(_matching(network.named_modules(), style.layers))  # each layer once
        self._mixing = tuple(found.values())
        self._scale: torch.Tensor
        self._shift: torch.Tensor
        mean, std = torch.tensor(preprocess.mean), torch.tensor(preprocess.std)
        self.register_buffer("_scale", (1 / (255 * std)).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("_shift", (-mean / std).view(1, 3, 1, 1), persistent=False)

    def forward(self, pixels: torch.Tensor, batch: Batch) -> dict[str, torch.Tensor]:
        """Return the losses of a batch by name; see `CombinedLoss.forward`.

        Args:
            pixels: (N, S, S, 3) uint8.
            batch: labels, media and sources of the N views.
        """
        embeddings = self.embed_mixed(pixels)
        with torch.autocast(pixels.device.type, enabled=False):
            losses: dict[str, torch.Tensor] = self.loss(embeddings, batch)
        return losses

    def embed(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return (N, D) float32 unit rows of (N, S, S, 3) uint8 pixels."""
        outputs = self.outputs(pixels)
        with torch.autocast(pixels.device.type, enabled=False):
            rows = outputs if self.whitening is None else self.whitening(outputs)
        return functional.normalize(rows, dim=1)

    def embed_mixed(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return the same as `embed`, but styles are mixed on the way."""
        with mixed_styles(self._mixing, self._mixing_probability):
            return self.embed(pixels)

    def outputs(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return (N, D) float32, what the network makes of (N, S, S, 3) uint8 pixels."""
        inputs = pixels.permute(0, 3, 1, 2).float()
        outputs: torch.Tensor = self.network(torch.addcmul(self._shift, inputs, self._scale))
        return outputs.float()


def tuned(network: nn.Module, config: TuneConfig) -> nn.Module:
    """Return the network with only what may move requiring gradients.

    Args:
        network: taken over; its parameters are float32.
        config: LoRA, and patterns of parameters that stay.

    Raises:
        InvalidTrainingConfig: a pattern or a LoRA target fits nothing, or nothing is left to train.
    """
    network.requires_grad_(requires_grad=True)
    moving = network if config.lora_rank is None else _with_lora(network, config)
    for _, parameter in _matching(moving.named_parameters(), config.freeze):
        parameter.requires_grad = False
    if not any(parameter.requires_grad for parameter in moving.parameters()):
        raise InvalidTrainingConfig("Every parameter is frozen: nothing is left to train.")
    return moving


def _with_lora(network: nn.Module, config: TuneConfig) -> nn.Module:
    lora = LoraConfig(
        r=config.lora_rank or 0,
        lora_alpha=config.lora_alpha,  # type: ignore[arg-type]  # a float is divided as well
        target_modules=list(config.lora_targets),
        lora_dropout=0.0,
    )
    try:
        moving = get_peft_model(network, lora)
    except ValueError as err:
        raise InvalidTrainingConfig(
            f"LoRA cannot be put on {', '.join(config.lora_targets)}: {err}",
            targets=config.lora_targets,
        ) from err
    for _, parameter in _matching(moving.named_parameters(), config.lora_also_train):
        parameter.requires_grad = True
    return moving


def _matching(
    named: Iterable[tuple[str, _T]], patterns: tuple[str, ...]
) -> Iterator[tuple[str, _T]]:
    """Yield the parts whose name, as without LoRA, fits a pattern; each pattern has to fit one."""
    known = [
        (name.removeprefix(_LORA_PREFIX).replace(".base_layer.", "."), part)
        for name, part in named
        if name
    ]
    for pattern in patterns:
        found = [(name, part) for name, part in known if fnmatchcase(name, pattern)]
        if not found:
            raise InvalidTrainingConfig(
                f"No name fits {pattern!r}; names are like {known[0][0]} and {known[-1][0]}.",
                pattern=pattern,
            )
        yield from found


def merged(network: nn.Module) -> nn.Module:
    """Return a copy of the network as it is served: LoRA's updates are in the weights."""
    copied = copy.deepcopy(network)
    if isinstance(copied, PeftModel):
        plain: nn.Module = copied.merge_and_unload()
        return plain
    return copied


def set_training_mode(module: nn.Module, *, is_batch_norm_frozen: bool) -> None:
    """Switch to training, but leave batch-norm statistics as they are where that is wanted."""
    module.train()
    if is_batch_norm_frozen:
        for part in module.modules():
            if isinstance(part, _BatchNorm):
                part.eval()


def parameter_groups(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Return what moves, for an optimiser: matrices and kernels decay, the rest does not."""
    moving = [parameter for parameter in module.parameters() if parameter.requires_grad]
    return [
        {"params": [p for p in moving if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in moving if p.ndim <= 1], "weight_decay": 0.0},
    ]
