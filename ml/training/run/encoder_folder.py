"""The encoder that a run leaves in its folder, with the record of how it was made."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ml.commands.left_out import LeftOut
from ml.encoders import checkpoint
from ml.encoders.network import EncoderNetwork
from ml.training import records
from ml.training.config import TrainingConfig
from ml.training.module import TrainingModule, merged
from ml.training.run.best import BestSoFar
from ml.training.run.progress import RunProgress

_DTYPES = {"fp32": torch.float32, "fp16": torch.float16}


@dataclasses.dataclass(frozen=True, slots=True)
class EncoderFolder:
    """Writes encoders into a run's folder, each in place of the one before.

    Attributes:
        folder: the run's.
        network: name, preprocessing and all else that is saved with the trained weights.
        config: of the run.
        identity: of the run.
        data_sha256: of the pictures' manifest.
        left_out: files that could not be used.
        device: that the run computes on.
        precision: accelerate's name of the number format of the forward pass.
        total_steps: of the run.
    """

    folder: Path
    network: EncoderNetwork
    config: TrainingConfig
    identity: Mapping[str, str]
    data_sha256: str
    left_out: Sequence[LeftOut]
    device: torch.device
    precision: str
    total_steps: int

    def save(self, module: TrainingModule, progress: RunProgress, best: BestSoFar) -> None:
        """Write the module's network, its record and the report for people.

        Args:
            module: with the weights and the whitening that are served.
            progress: how far the run is.
            best: the held-out measurements, this encoder's included.

        Raises:
            OutputUnwritable: no space, no permission, no such folder.
        """
        served = dataclasses.replace(
            self.network, module=merged(module.network).cpu(), whitening=module.whitening
        )
        saved = checkpoint.save(served, self.folder, dtype=_DTYPES[self.config.saved_precision])
        record = self._record(saved, progress, best)
        records.write_json(self.folder / records.TRAINING, record)
        records.write_report(self.folder, record, self.left_out)

    def _record(
        self, saved: EncoderNetwork, progress: RunProgress, best: BestSoFar
    ) -> dict[str, Any]:
        return {
            "encoder": saved.name,
            "weights_sha256": saved.weights_sha256,
            "identity": self.identity,
            "config": self.config.to_json(),
            "data_sha256": self.data_sha256,
            "git_commit": records.git_commit(),
            "libraries": records.library_versions(),
            "device": str(self.device),
            "precision": self.precision,
            "step": progress.step,
            "total_steps": self.total_steps,
            "seconds": round(progress.elapsed_s(), 1),
            "losses": progress.losses,
            "held_out_at_start": best.start,
            "held_out": best.metrics,
            "history": best.history,
        }
