"""The training loop: from a network and a config to a folder with a better network."""

import dataclasses
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from accelerate.state import AcceleratorState
from accelerate.utils import broadcast_object_list

from ml.commands.left_out import LeftOut
from ml.encoders.base import PreprocessConfig
from ml.encoders.network import EncoderNetwork
from ml.training import records
from ml.training.config import TrainingConfig
from ml.training.data.batches import ViewBatch
from ml.training.data.pictures import Split, open_split
from ml.training.held_out import HeldOut, named
from ml.training.run.accelerator import open_accelerator
from ml.training.run.batches import TrainingBatches
from ml.training.run.best import BestSoFar
from ml.training.run.divergence import DivergenceGuard
from ml.training.run.embedder import Embedder
from ml.training.run.encoder_folder import EncoderFolder
from ml.training.run.identity import identity_of
from ml.training.run.input_size import resized
from ml.training.run.module_start import starting_module
from ml.training.run.progress import RunProgress
from ml.training.run.schedule import learning_rate
from ml.training.run.served_weights import ServedWeights
from ml.training.run.state import TrainingState
from ml.training.run.steps import OptimiserSteps
from ml.training.run.whitening import WhiteningFit
from ml.training.tracking import Tracker, log_to

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """How a run ended.

    Attributes:
        steps: optimiser steps made, those before a resume included.
        is_stopped_early: whether the held-out measure had stopped rising.
        start: held-out metrics before the first step; empty where nothing is held out.
        best: those of the saved encoder.
        losses: mean of each loss over the last step.
        left_out: files that could not be used.
    """

    steps: int
    is_stopped_early: bool
    start: Mapping[str, float]
    best: Mapping[str, float]
    losses: Mapping[str, float]
    left_out: Sequence[LeftOut]


def train(
    config: TrainingConfig,
    network: EncoderNetwork,
    folder: Path,
    *,
    is_resumed: bool = False,
    open_trackers: Callable[[int], Sequence[Tracker]] = lambda _total_steps: (),
) -> TrainingResult:
    """Train a network and leave it, as an encoder's checkpoint, in a folder.

    The folder gets the best encoder so far by the held-out measure (the last one where nothing is
    held out), `training.json`, `data.json`, and `state.pt` to resume from.

    Args:
        config: what to do.
        network: where to start; it is trained in place.
        folder: made where missing.
        is_resumed: go on from the folder's state: the next step is what it would have been.
        open_trackers: gets the number of steps and returns what is told every step's numbers. It
            is called once nothing else can be refused, and what it returned is always closed.

    Raises:
        RunFolderInUse: a new run, but the folder holds another one's results.
        CheckpointMismatch: there is no state to resume, or it is of another encoder, other data or
            another config.
        NoPictures, InvalidTrainingData, ConflictingDecisions: see `open_split`.
        InvalidTrainingConfig: the network or this machine cannot do what the config asks for.
        TrainingDiverged: the loss or the weights are not finite; what was saved before stays.
        OutputUnwritable: the folder cannot be written.
    """
    records.claim(folder, is_resumed=is_resumed)
    split = open_split(config.data, seed=config.seed)
    try:
        run = _Run(config, network, folder, split)
        if is_resumed:
            run.restore()
        return run.finish(open_trackers)
    finally:
        # accelerate keeps device and precision for the whole process; the next run may want others.
        AcceleratorState._reset_state(reset_partial_state=True)


class _Run:
    """One run: puts its parts together, makes the steps, and does what falls due after each."""

    def __init__(
        self,
        config: TrainingConfig,
        network: EncoderNetwork,
        folder: Path,
        split: Split,
    ) -> None:
        self._config = config
        self._folder = folder
        self._left_out = split.left_out()
        self._manifest = split.manifest()
        self._trackers: Sequence[Tracker] = ()
        self._progress, self._best = RunProgress(), BestSoFar()
        self._accelerator = open_accelerator(config)
        self._guard = DivergenceGuard(self._accelerator, self._progress, self._best)
        preprocess = resized(network.preprocess, config.size_px)
        self._batches = TrainingBatches(config, split.train, preprocess, self._accelerator)
        self._held_out = (
            HeldOut(split.held_out, config, preprocess) if len(split.held_out) else None
        )
        identity = identity_of(config, network, self._manifest["sha256"])
        self._encoder_folder = EncoderFolder(
            folder,
            dataclasses.replace(network, name=config.name or network.name, preprocess=preprocess),
            config=config,
            identity=identity,
            data_sha256=self._manifest["sha256"],
            left_out=self._left_out,
            device=self._accelerator.device,
            precision=self._accelerator.mixed_precision,
            total_steps=self._batches.total_steps,
        )
        self._prepare(network, split, preprocess)
        self._state = TrainingState(
            folder,
            identity,
            progress=self._progress,
            best=self._best,
            module=self._module,
            optimiser=self._steps.optimiser,
            served=self._served,
            scaler=self._accelerator.scaler,
        )

    def _prepare(self, network: EncoderNetwork, split: Split, preprocess: PreprocessConfig) -> None:
        """Make the module, what is served of it, and what moves it."""
        embedder = Embedder(self._accelerator, self._guard)
        whitening_fit = WhiteningFit(
            self._config.whitening, network.whitening, self._batches, embedder
        )
        self._module = starting_module(
            self._config,
            network,
            split.train,
            preprocess=preprocess,
            accelerator=self._accelerator,
            embedder=embedder,
            whitening_fit=whitening_fit,
        )
        self._embed = partial(embedder.embed, self._module)
        self._served = ServedWeights(
            self._module,
            self._config.optimiser,
            self._guard,
            whitening_fit.fit if self._accelerator.is_main_process else None,
        )
        self._steps = OptimiserSteps(self._config, self._module, self._accelerator, self._guard)

    def restore(self) -> None:
        """Go to where the folder's state was saved.

        Raises:
            CheckpointMismatch: it is damaged, or of another encoder, other data or another config.
        """
        self._state.restore()

    def finish(self, open_trackers: Callable[[int], Sequence[Tracker]]) -> TrainingResult:
        """Train to the end and return how it went."""
        self._progress.start_clock()
        if self._accelerator.is_main_process:
            records.write_json(self._folder / records.DATA, self._manifest)
            self._trackers = open_trackers(self._batches.total_steps)
        try:
            self._train()
        finally:
            for tracker in self._trackers:
                tracker.close()
        if self._best.is_worse_than_start():
            logger.warning("the trained encoder is worse on held-out data than it began")
        return TrainingResult(
            steps=self._progress.step,
            is_stopped_early=self._progress.step < self._batches.total_steps,
            start=dict(self._best.start),
            best=dict(self._best.metrics),
            losses=dict(self._progress.losses),
            left_out=self._left_out,
        )

    def _train(self) -> None:
        if self._held_out is not None and not self._best.start:
            self._best.start = self._measured()
            log_to(self._trackers, 0, named(self._best.start))
        batches = self._batches.from_step(self._progress.step)
        while self._progress.step < self._batches.total_steps and not self._is_exhausted():
            self._step(batches)
            self._measure_and_save()

    def _step(self, batches: Iterator[ViewBatch]) -> None:
        progress = self._progress
        rate = learning_rate(self._config.optimiser, progress.step, self._batches.total_steps)
        progress.losses = self._steps.make(progress.step, batches, rate)
        progress.step += 1
        self._served.update(progress.step)
        temperature = self._module.loss.info_nce.temperature().item()
        values = progress.losses | {"lr": rate, "temperature": temperature}
        log_to(self._trackers, progress.step, values)

    def _is_exhausted(self) -> bool:
        return self._best.is_exhausted(self._config.patience)

    def _measure_and_save(self) -> None:
        """Do what is due after this step."""
        step, is_last = self._progress.step, self._progress.step == self._batches.total_steps
        is_checkpoint_due = is_last or step % self._config.checkpoint_every == 0
        if self._held_out is None:
            if is_checkpoint_due:
                with self._served.put_in():
                    self._save_encoder()
        elif is_last or step % self._config.evaluate_every == 0:
            with self._served.put_in():
                metrics = self._measured()
                log_to(self._trackers, step, named(metrics))
                if self._best.add(step, metrics):
                    self._save_encoder()
        # The first, too: a run that dies before its first checkpoint would leave an encoder that
        # neither a new run nor a resumed one may touch.
        if step == 1 or is_checkpoint_due or self._is_exhausted():
            self._save_state()

    def _measured(self) -> dict[str, float]:
        """Return the held-out metrics; every process gets those of the main one."""
        metrics: list[dict[str, float] | None] = [None]
        if self._held_out is not None and self._accelerator.is_main_process:
            metrics = [self._held_out.measure(self._embed)]
        broadcast_object_list(metrics)
        return metrics[0] or {}

    def _save_encoder(self) -> None:
        if self._accelerator.is_main_process:
            self._encoder_folder.save(self._module, self._progress, self._best)
        self._best.saved_step = self._progress.step

    def _save_state(self) -> None:
        if self._accelerator.is_main_process:
            self._guard.check_weights(self._module)
            self._state.save()
