"""Everything that the next step depends on: saved, and put back to go on from."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ml.errors import CheckpointMismatch
from ml.training import records
from ml.training.run.best import BestSoFar
from ml.training.run.identity import check_identity
from ml.training.run.progress import RunProgress
from ml.training.run.served_weights import ServedWeights


@dataclass(frozen=True, slots=True)
class TrainingState:
    """The parts of a run whose values are saved and restored. Owns none of them.

    Attributes:
        folder: where the state is saved.
        identity: of the run; a state with another one is refused.
        progress: how far the run is.
        best: the held-out measurements.
        module: whose parameters and buffers are trained.
        optimiser: with its moments.
        served: the averaged weights and the first ones.
        scaler: of fp16's losses; None in other precisions.
    """

    folder: Path
    identity: Mapping[str, str]
    progress: RunProgress
    best: BestSoFar
    module: nn.Module
    optimiser: torch.optim.Optimizer
    served: ServedWeights
    scaler: torch.amp.GradScaler | None

    def save(self) -> None:
        """Write the state, or leave the old one.

        Raises:
            OutputUnwritable: no space, no permission, no such folder.
        """
        state = {
            "identity": self.identity,
            "progress": self._progress(),
            "module": self.module.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            **self.served.state_dict(),
            "scaler": {} if self.scaler is None else self.scaler.state_dict(),
        }
        records.write_state(self.folder, state)

    def restore(self) -> None:
        """Give every part the values that were saved.

        Raises:
            CheckpointMismatch: the file is damaged, or of another encoder, other data or another
                config.
        """
        state = records.read_state(self.folder)
        try:
            check_identity(state["identity"], self.identity)
            self.module.load_state_dict(state["module"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.served.load_state_dict(state)
            if self.scaler is not None and state["scaler"]:
                self.scaler.load_state_dict(state["scaler"])
            self._set_progress(state["progress"])
        except (KeyError, TypeError, ValueError, RuntimeError) as err:
            raise CheckpointMismatch(
                f"The state in {self.folder} is not one of this training: {err}",
                folder=str(self.folder),
            ) from err

    def _progress(self) -> dict[str, Any]:
        """Return where the run is, under the names that the file has always had."""
        return {
            "step": self.progress.step,
            "seconds": self.progress.elapsed_s(),
            "best_step": self.best.saved_step,
            "worse_in_a_row": self.best.worse_in_a_row,
            "start": self.best.start,
            "best": self.best.metrics,
            "losses": self.progress.losses,
            "history": self.best.history,
        }

    def _set_progress(self, saved: Mapping[str, Any]) -> None:
        self.progress.step = saved["step"]
        self.progress.losses = saved["losses"]
        self.progress.earlier_s = saved["seconds"]
        self.best.saved_step = saved["best_step"]
        self.best.worse_in_a_row = saved["worse_in_a_row"]
        self.best.start = saved["start"]
        self.best.metrics = saved["best"]
        self.best.history = saved["history"]
