"""One optimiser step: the mean gradient of some batches moves the weights."""

from collections.abc import Iterator

import torch
from accelerate import Accelerator

from ml.training.config import TrainingConfig
from ml.training.data.batches import ViewBatch
from ml.training.module import TrainingModule, parameter_groups, set_training_mode
from ml.training.run.divergence import DivergenceGuard
from ml.training.run.seeds import STEP_STREAM, seed_of


class OptimiserSteps:
    """Moves a module's weights; owns the optimiser.

    Attributes:
        optimiser: AdamW, as accelerate prepared it.
    """

    def __init__(
        self,
        config: TrainingConfig,
        module: TrainingModule,
        accelerator: Accelerator,
        guard: DivergenceGuard,
    ) -> None:
        self._config = config
        self._module = module
        self._accelerator = accelerator
        self._guard = guard
        optimiser = torch.optim.AdamW(
            parameter_groups(module, config.optimiser.weight_decay), lr=config.optimiser.lr
        )
        self._ready, self.optimiser = accelerator.prepare(module, optimiser)

    def make(self, step: int, batches: Iterator[ViewBatch], rate: float) -> dict[str, float]:
        """Make one step and return the mean of each loss over its batches.

        Args:
            step: from 0; chance inside the network depends on it alone.
            batches: the next ones of the run; as many are taken as are accumulated.
            rate: the learning rate.

        Raises:
            TrainingDiverged: a loss is not finite.
        """
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        set_training_mode(self._module, is_batch_norm_frozen=self._config.tune.is_batch_norm_frozen)
        accumulate = self._config.batch.accumulate
        sums: dict[str, float] = {}
        for index in range(accumulate):
            batch = next(batches).to(self._accelerator.device)
            # Dropout draws from the global generator. Seeded by the position it needs no state;
            # after the batch, because a loader that begins draws from it, too.
            position = (step, index, self._accelerator.process_index)
            torch.manual_seed(seed_of(STEP_STREAM, self._config.seed, *position))
            for name, loss in self._accumulate(batch).items():
                sums[name] = sums.get(name, 0.0) + float(loss.detach())
        return {name: total / accumulate for name, total in sums.items()}

    def _accumulate(self, batch: ViewBatch) -> dict[str, torch.Tensor]:
        """Add a batch's gradient, and move the weights after the last one of the step."""
        with self._accelerator.accumulate(self._ready):
            losses: dict[str, torch.Tensor] = self._ready(batch.pixels, batch.batch)
            self._guard.check_losses(losses)
            self._accelerator.backward(losses["loss"])
            clip_norm = self._config.optimiser.clip_norm
            if self._accelerator.sync_gradients and clip_norm is not None:
                self._accelerator.clip_grad_norm_(self._module.parameters(), clip_norm)
            self.optimiser.step()  # accelerate's: does nothing before the last batch
            self.optimiser.zero_grad()
            self._module.loss.info_nce.clamp()
        return losses
