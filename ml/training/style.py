"""MixStyle: a picture's features with, in part, the channel means and contrasts of another's.

Those statistics carry medium and light more than the subject, so that a network that sees them
mixed comes to lean on them less. Source: Zhou, Yang, Qiao, Xiang, "Domain generalization with
MixStyle", ICLR 2021, equations 3 to 6.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn

from ml.errors import InvalidTrainingConfig

# Of the Beta distribution that the parts are drawn from; small ones are near 0 or 1 mostly.
_CONCENTRATION = 0.2
_MIN_VARIANCE = 1e-5
_MAP_AXES = 4


@contextmanager
def mixed_styles(layers: Sequence[nn.Module], probability: float) -> Iterator[None]:
    """Let each layer, by chance, mix the styles of the pictures of a batch in what it returns.

    The chances come from torch's global generator.

    Args:
        layers: each returns feature maps, (N, C, H, W).
        probability: that a layer mixes in a forward pass, 0..1.

    Raises:
        InvalidTrainingConfig: from the forward pass, where a layer returns something else.
    """
    with ExitStack() as stack:
        for layer in layers:
            stack.enter_context(layer.register_forward_hook(partial(_hook, probability)))
        yield


def _hook(probability: float, layer: nn.Module, _inputs: Any, outputs: Any) -> torch.Tensor:
    if not isinstance(outputs, torch.Tensor) or outputs.ndim != _MAP_AXES:
        raise InvalidTrainingConfig(
            f"Styles are mixed in feature maps, and {type(layer).__name__} returns none.",
            layer=type(layer).__name__,
        )
    return mixed(outputs) if torch.rand(()) < probability else outputs


def mixed(features: torch.Tensor) -> torch.Tensor:
    """Return (N, C, H, W) features, each picture's statistics mixed with another's of the batch."""
    count = len(features)
    part = torch.distributions.Beta(_CONCENTRATION, _CONCENTRATION).sample((count, 1, 1, 1))
    part = part.to(features.device)
    partners = torch.randperm(count).to(features.device)
    known = features.detach().float()  # squares of half precision overflow
    mean = known.mean(dim=(2, 3), keepdim=True)
    correction = min(1, features.shape[2] * features.shape[3] - 1)  # of one position, none
    variance = known.var(dim=(2, 3), keepdim=True, correction=correction)
    deviation = (variance + _MIN_VARIANCE).sqrt()
    new_mean = part * mean + (1 - part) * mean[partners]
    new_deviation = part * deviation + (1 - part) * deviation[partners]
    return ((features - mean) / deviation * new_deviation + new_mean).to(features.dtype)
