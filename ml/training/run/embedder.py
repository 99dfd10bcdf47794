"""Forward passes that train nothing."""

from collections.abc import Callable

import torch
from accelerate import Accelerator

from ml.training.module import TrainingModule
from ml.training.run.divergence import DivergenceGuard


class Embedder:
    """Runs a module in evaluation mode, in the run's precision, on the run's device."""

    def __init__(self, accelerator: Accelerator, guard: DivergenceGuard) -> None:
        self._accelerator = accelerator
        self._guard = guard

    def embed(self, module: TrainingModule, pixels: torch.Tensor) -> torch.Tensor:
        """Return (N, D) float32 unit rows of (N, S, S, 3) uint8 pixels.

        Raises:
            TrainingDiverged: a number is not finite.
        """
        return self._run(module, module.embed, pixels)

    def outputs(self, module: TrainingModule, pixels: torch.Tensor) -> torch.Tensor:
        """Return (N, D) float32, what the network makes of (N, S, S, 3) uint8 pixels.

        Raises:
            TrainingDiverged: a number is not finite.
        """
        return self._run(module, module.outputs, pixels)

    def _run(
        self,
        module: TrainingModule,
        function: Callable[[torch.Tensor], torch.Tensor],
        pixels: torch.Tensor,
    ) -> torch.Tensor:
        module.eval()
        with torch.no_grad(), self._accelerator.autocast():
            rows = function(pixels.to(self._accelerator.device))
        self._guard.check_rows(rows)
        return rows
