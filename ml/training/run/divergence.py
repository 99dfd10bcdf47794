"""Numbers that are not finite end a run before they are saved."""

from collections.abc import Mapping

import torch
from accelerate import Accelerator
from torch import nn

from ml.errors import TrainingDiverged
from ml.training.run.best import BestSoFar
from ml.training.run.progress import RunProgress


class DivergenceGuard:
    """Refuses losses, embeddings and weights that are not finite; says which encoder is kept."""

    def __init__(self, accelerator: Accelerator, progress: RunProgress, best: BestSoFar) -> None:
        self._accelerator = accelerator
        self._progress = progress
        self._best = best

    def check_losses(self, losses: Mapping[str, torch.Tensor]) -> None:
        """Raise in all processes where a loss, a scalar, is not finite in one of them.

        Raises:
            TrainingDiverged: it is not.
        """
        bad = [f"{name} is {loss.item()}" for name, loss in losses.items() if not loss.isfinite()]
        # All processes stop together: one alone would leave the others waiting for its gradients.
        here = torch.tensor(float(len(bad)), device=self._accelerator.device)
        if self._accelerator.reduce(here, "sum") > 0:
            elsewhere = "of another process is not finite"
            raise self._diverged(f"the loss {bad[0] if bad else elsewhere}")

    def check_rows(self, rows: torch.Tensor) -> None:
        """Raise where a number of (N, D) embeddings is not finite.

        Raises:
            TrainingDiverged: one is not.
        """
        if not torch.isfinite(rows).all():
            raise self._diverged("an embedding is not finite")

    def check_weights(self, module: nn.Module) -> None:
        """Raise where a parameter is not finite.

        Raises:
            TrainingDiverged: one is not.
        """
        for name, parameter in module.named_parameters():
            if not torch.isfinite(parameter).all():
                raise self._diverged(f"the weights {name} are not finite")

    def _diverged(self, what: str) -> TrainingDiverged:
        saved = self._best.saved_step
        kept = (
            f"the encoder of step {saved} stays saved" if saved else "no encoder was saved before"
        )
        return TrainingDiverged(
            f"Training stopped after step {self._progress.step}: {what}; {kept}.",
            step=self._progress.step,
        )
