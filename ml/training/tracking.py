"""Where a run's numbers go while it trains: a progress bar, TensorBoard, Weights & Biases."""

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import wandb
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from ml.training.config import TrainingConfig

logger = logging.getLogger(__name__)

_PROJECT = "semblance"
# After that long without an answer, training goes on without the service.
_ANSWER_S = 30.0


class Tracker(Protocol):
    """Takes in numbers. Does not decide anything."""

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Take in what is known after a step, counted from 1 (0: before the first)."""
        ...

    def close(self) -> None:
        """Write what is left; nothing is logged afterwards."""
        ...


class ProgressBar:
    """A bar on the standard error stream."""

    def __init__(self, total_steps: int) -> None:
        self._bar = tqdm(total=total_steps, unit="step", dynamic_ncols=True)
        self._shown: dict[str, str] = {}

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Move the bar; the loss and the held-out mAP stand beside it."""
        for name, short in (("loss", "loss"), ("held_out/map", "mAP")):
            if name in values:
                self._shown[short] = f"{values[name]:.4f}"
        self._bar.set_postfix(self._shown, refresh=False)
        self._bar.update(step - self._bar.n)

    def close(self) -> None:
        """Leave the bar as it stands."""
        self._bar.close()


class TensorBoard:
    """Curves in a folder that `tensorboard --logdir` shows."""

    def __init__(self, folder: Path) -> None:
        self._writer = SummaryWriter(str(folder))

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Add a point to every curve."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Write the last points."""
        self._writer.close()


class WeightsAndBiases:
    """A run of Weights & Biases: online with a key, else kept in a folder to be sent later.

    Whatever goes wrong there is said once in the log; the training goes on.
    """

    def __init__(self, config: TrainingConfig, folder: Path, key: str | None) -> None:
        """Start the run.

        Args:
            config: recorded with it.
            folder: where its files lie.
            key: of an account; it is neither logged nor written.
        """
        self._run: Any = self._try(partial(_start, config, folder, key))

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Send the values."""
        if self._run is not None:
            self._try(partial(self._run.log, dict(values), step=step))

    def close(self) -> None:
        """Wait until everything is sent or written."""
        if self._run is not None:
            self._try(self._run.finish)

    def _try(self, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except Exception as err:  # noqa: BLE001 - no failure of a display may end a training
            # Only the type: the text could hold the key.
            logger.warning(
                "Weights & Biases is off for this run", extra={"error": type(err).__name__}
            )
            self._run = None
            return None


def _start(config: TrainingConfig, folder: Path, key: str | None) -> Any:
    folder.mkdir(parents=True, exist_ok=True)
    settings = wandb.Settings(
        api_key=key,
        mode="offline" if key is None else "online",
        init_timeout=_ANSWER_S,
        silent=True,
        console="off",  # what a terminal shows is nobody else's
        save_code=False,
        disable_git=True,
    )
    return wandb.init(project=_PROJECT, dir=str(folder), config=config.to_json(), settings=settings)


def log_to(trackers: Sequence[Tracker], step: int, values: Mapping[str, float]) -> None:
    """Hand values to every tracker."""
    for tracker in trackers:
        tracker.log(step, values)
