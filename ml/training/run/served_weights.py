"""The weights that are measured and saved: averaged, a share of the way, whitened anew."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from ml.encoders.whitening import Whitening
from ml.training.config import OptimiserConfig
from ml.training.module import TrainingModule
from ml.training.run.divergence import DivergenceGuard

Weights = dict[str, torch.Tensor]


class ServedWeights:
    """What the module becomes while it is measured and saved. Owns all weights beside its own.

    From the weights under training it takes their average, where one is kept; of the way from the
    first weights to those it goes a share, where one is given; and behind the network it puts a
    whitening that is fitted to it.
    """

    def __init__(
        self,
        module: TrainingModule,
        config: OptimiserConfig,
        guard: DivergenceGuard,
        fit_whitening: Callable[[TrainingModule], Whitening | None] | None,
    ) -> None:
        """Remember the first weights.

        Args:
            module: under training, before the first step.
            config: the average's decay and the share of the way.
            guard: refuses weights that are not finite.
            fit_whitening: returns the whitening for the module as it is; None lets it keep the one
                that it trains with.
        """
        self._module = module
        self._guard = guard
        self._fit_whitening = fit_whitening
        self._averages = (
            None if config.ema_decay is None else AveragedWeights(module, config.ema_decay)
        )
        self._start = (
            None if config.trained_share is None else StartingWeights(module, config.trained_share)
        )

    def update(self, step: int) -> None:
        """Take in the weights after a step, counted from 1."""
        if self._averages is not None:
            self._averages.update(self._module, step)

    @contextmanager
    def put_in(self) -> Iterator[None]:
        """Let the module be what is served; its own weights and whitening are back afterwards.

        Raises:
            TrainingDiverged: the weights are not finite.
        """
        training_whitening = self._module.whitening
        with ExitStack() as stack:
            for weights in (self._averages, self._start):
                if weights is not None:
                    stack.enter_context(weights.put_in(self._module))
            self._guard.check_weights(self._module)
            if self._fit_whitening is not None:
                self._module.whitening = self._fit_whitening(self._module)
            try:
                yield
            finally:
                self._module.whitening = training_whitening

    def state_dict(self) -> dict[str, Weights]:
        """Return "start" and "averages", weights by parameter name; empty where none are kept."""
        return {
            "start": {} if self._start is None else self._start.state_dict(),
            "averages": {} if self._averages is None else self._averages.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Mapping[str, torch.Tensor]]) -> None:
        """Go on from a mapping that has what `state_dict` returned."""
        if self._averages is not None:
            self._averages.load_state_dict(state["averages"])
        if self._start is not None:
            self._start.load_state_dict(state["start"])


class AveragedWeights:
    """The exponential moving average of what moves.

    Of the module it holds the moving parameters alone: a copy of all of it would keep the frozen
    weights and the losses' bank a second time.

    The decay of the first steps is smaller, (1 + step) / (10 + step), so that the start is soon
    forgotten. Source: `tf.train.ExponentialMovingAverage`, num_updates.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self._names = tuple(_moving(module))
        self._averages = AveragedModel(_moving_list(module), multi_avg_fn=_warmed_up_average(decay))

    def update(self, module: nn.Module, step: int) -> None:
        """Take in the weights after a step, counted from 1."""
        # Torch's own count begins at 0, where it would forget the weights before the first step.
        self._averages.n_averaged.fill_(step)
        self._averages.update_parameters(_moving_list(module))

    @contextmanager
    def put_in(self, module: nn.Module) -> Iterator[None]:
        """Let the module run with the averages; its own weights are back afterwards."""
        with _exchanged(module, self.state_dict()):
            yield

    def state_dict(self) -> Weights:
        """Return the averages by parameter name."""
        averages = self._averages.parameters()
        return {name: p.detach() for name, p in zip(self._names, averages, strict=True)}

    def load_state_dict(self, averages: Mapping[str, torch.Tensor]) -> None:
        """Go on from averages that `state_dict` returned."""
        for name, average in self.state_dict().items():
            average.copy_(averages[name])


class StartingWeights:
    """The weights before the first step, which the served ones are mixed with.

    Between the two ends lie weights that keep more of what the start knew and most of what was
    learned. Source: Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022.
    """

    def __init__(self, module: nn.Module, trained_share: float) -> None:
        self._trained_share = trained_share
        self._start = {name: p.detach().clone() for name, p in _moving(module).items()}

    @contextmanager
    def put_in(self, module: nn.Module) -> Iterator[None]:
        """Let the module run with start + share · (trained - start)."""
        mixed = {
            name: torch.lerp(self._start[name], p.detach(), self._trained_share)
            for name, p in _moving(module).items()
        }
        with _exchanged(module, mixed):
            yield

    def state_dict(self) -> Weights:
        """Return the weights by parameter name."""
        return self._start

    def load_state_dict(self, start: Mapping[str, torch.Tensor]) -> None:
        """Go on from weights that `state_dict` returned."""
        for name, weights in self._start.items():
            weights.copy_(start[name])


@contextmanager
def _exchanged(module: nn.Module, weights: Mapping[str, torch.Tensor]) -> Iterator[None]:
    own = {name: p.detach().clone() for name, p in _moving(module).items()}
    _copy_into(module, weights)
    try:
        yield
    finally:
        _copy_into(module, own)


@torch.no_grad()
def _copy_into(module: nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    for name, parameter in _moving(module).items():
        parameter.copy_(weights[name])


def _moving(module: nn.Module) -> dict[str, nn.Parameter]:
    return {name: p for name, p in module.named_parameters() if p.requires_grad}


def _moving_list(module: nn.Module) -> nn.ParameterList:
    return nn.ParameterList(_moving(module).values())


def _warmed_up_average(
    decay: float,
) -> Callable[[Sequence[torch.Tensor], Sequence[torch.Tensor], torch.Tensor | int], None]:
    """Return what moves averages, in place, towards the weights after a step."""

    def move(
        averages: Sequence[torch.Tensor], weights: Sequence[torch.Tensor], step: torch.Tensor | int
    ) -> None:
        steps = int(step)  # once for all of a device's weights: a GPU waits for it
        share = 1 - min(decay, (1 + steps) / (10 + steps))
        for average, weight in zip(averages, weights, strict=True):
            average.lerp_(weight, share)

    return move
