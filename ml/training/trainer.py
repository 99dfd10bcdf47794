"""The training loop: from a network and a config to a folder with a better network."""

import copy
import dataclasses
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import broadcast_object_list

from ml import devices
from ml.encoders import checkpoint
from ml.encoders.base import PreprocessConfig
from ml.encoders.network import EncoderNetwork
from ml.encoders.whitening import Whitening
from ml.encoders.whitening import fit as fit_whitening
from ml.errors import CheckpointMismatch, InvalidTrainingConfig, TrainingDiverged
from ml.left_out import LeftOut
from ml.memory import keep_freed_memory
from ml.training import records
from ml.training.config import LossConfig, TrainingConfig
from ml.training.data.batches import ViewBatch, load
from ml.training.data.pictures import Split, hash_of, open_split
from ml.training.data.sampler import BatchPlan
from ml.training.data.views import ViewMaker
from ml.training.held_out import HeldOut, embed_all, named, source_pixels
from ml.training.losses import CombinedLoss
from ml.training.module import (
    AveragedWeights,
    StartingWeights,
    TrainingModule,
    merged,
    parameter_groups,
    set_training_mode,
    tuned,
)
from ml.training.tracking import Tracker, log_to

logger = logging.getLogger(__name__)

_STEP_STREAM, _START_STREAM = 5, 8
_SAVED = {"fp32": torch.float32, "fp16": torch.float16}
# What may differ when a run is resumed: none of it changes what a step computes.
_FREE_ON_RESUME = ("device", "workers", "evaluate_every", "patience", "checkpoint_every")


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


@dataclass(slots=True)
class _Progress:
    """What changes during a run beside the weights; all of it is in the state."""

    step: int = 0
    seconds: float = 0.0
    best_step: int = 0
    worse_in_a_row: int = 0
    start: dict[str, float] = dataclasses.field(default_factory=dict)
    best: dict[str, float] = dataclasses.field(default_factory=dict)
    losses: dict[str, float] = dataclasses.field(default_factory=dict)
    history: list[dict[str, float]] = dataclasses.field(default_factory=list)


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
            run.restore(records.read_state(folder))
        return run.finish(open_trackers)
    finally:
        # accelerate keeps device and precision for the whole process; the next run may want others.
        AcceleratorState._reset_state(reset_partial_state=True)


class _Run:
    """One run: owns the module, the optimiser and the position."""

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
        self._pictures = split.train
        self._trackers: Sequence[Tracker] = ()
        self._accelerator = _accelerator(config)
        self._preprocess = _resized(network.preprocess, config.size_px)
        self._network = dataclasses.replace(
            network, name=config.name or network.name, preprocess=self._preprocess
        )
        self._manifest = split.manifest()
        self._identity = _identity(config, network, self._manifest["sha256"])
        self._plan = BatchPlan(
            split.train,
            batch=config.batch,
            views=config.views,
            is_made=config.data.kind == "made",
            seed=config.seed,
        )
        size_px = self._preprocess.size_px if config.views.size_px is None else config.views.size_px
        self._maker = ViewMaker(split.train, config.views, size_px=size_px)
        self._total_steps = _total_steps(config, self._batches_an_epoch())
        self._held_out = (
            HeldOut(split.held_out, config, self._preprocess) if len(split.held_out) else None
        )
        self._progress = _Progress()
        self._prepare(network, split)

    def _prepare(self, network: EncoderNetwork, split: Split) -> None:
        """Build the module and the optimiser; the bank first, while the network is untouched."""
        config, accelerator = self._config, self._accelerator
        self._module = TrainingModule(
            network.module, CombinedLoss(config.loss, None), self._preprocess, style=config.style
        ).to(accelerator.device)
        for size_px in {self._preprocess.size_px, config.views.size_px or 0} - {0}:
            _try_size(self._module, size_px, accelerator)
        whitening = self._module.whitening = self._fitted_whitening()
        bank = None
        if _needs_bank(config.loss):
            pixels = source_pixels(split.train, self._preprocess)
            bank = torch.from_numpy(embed_all(self._embed, pixels))
        torch.manual_seed(_seed(_START_STREAM, config.seed))  # LoRA's first weights
        self._module = TrainingModule(
            tuned(network.module, config.tune),
            CombinedLoss(config.loss, bank),
            self._preprocess,
            whitening=whitening,
            style=config.style,
        ).to(accelerator.device)
        optimiser = torch.optim.AdamW(
            parameter_groups(self._module, config.optimiser.weight_decay), lr=config.optimiser.lr
        )
        decay = config.optimiser.ema_decay
        self._averages = None if decay is None else AveragedWeights(self._module, decay)
        share = config.optimiser.trained_share
        self._start = None if share is None else StartingWeights(self._module, share)
        self._ready, self._optimiser = accelerator.prepare(self._module, optimiser)

    def finish(self, open_trackers: Callable[[int], Sequence[Tracker]]) -> TrainingResult:
        """Train to the end and return how it went."""
        progress = self._progress
        self._began = time.monotonic() - progress.seconds
        if self._accelerator.is_main_process:
            records.write_json(self._folder / records.DATA, self._manifest)
            self._trackers = open_trackers(self._total_steps)
        try:
            self._train()
        finally:
            for tracker in self._trackers:
                tracker.close()
        if progress.best and progress.best["map"] < progress.start["map"]:
            logger.warning("the trained encoder is worse on held-out data than it began")
        return TrainingResult(
            steps=progress.step,
            is_stopped_early=progress.step < self._total_steps,
            start=dict(progress.start),
            best=dict(progress.best),
            losses=dict(progress.losses),
            left_out=self._left_out,
        )

    def _train(self) -> None:
        progress = self._progress
        if self._held_out is not None and not progress.start:
            progress.start = self._measured()
            log_to(self._trackers, 0, named(progress.start))
        batches = self._batches()
        while progress.step < self._total_steps and not self._is_exhausted():
            self._step(batches)

    # Steps

    def _batches_an_epoch(self) -> int:
        processes: int = self._accelerator.num_processes
        return max(1, self._plan.epoch_batches // processes)

    def _batches(self) -> Iterator[ViewBatch]:
        """Return this process's batches from the position on; processes take turns."""
        processes = self._accelerator.num_processes
        first = self._progress.step * self._config.batch.accumulate * processes
        stop = self._total_steps * self._config.batch.accumulate * processes
        mine = first + self._accelerator.process_index
        return load(
            self._maker,
            self._plan.batches(mine, stop, stride=processes),
            media=self._plan.media(),
            workers=self._config.workers,
        )

    def _step(self, batches: Iterator[ViewBatch]) -> None:
        """Make one optimiser step, and whatever falls due after it."""
        progress, config = self._progress, self._config
        rate = config.optimiser.lr * schedule(
            progress.step,
            self._total_steps,
            warm_up=config.optimiser.warm_up,
            final=config.optimiser.final_lr,
        )
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        progress.losses = self._accumulated(batches)
        progress.step += 1
        if self._averages is not None:
            self._averages.update(self._module, progress.step)
        temperature = self._module.loss.info_nce.temperature().item()
        values = progress.losses | {"lr": rate, "temperature": temperature}
        log_to(self._trackers, progress.step, values)
        self._keep()

    def _accumulated(self, batches: Iterator[ViewBatch]) -> dict[str, float]:
        """Move the weights by the mean gradient of some batches; return the mean losses."""
        set_training_mode(self._module, is_batch_norm_frozen=self._config.tune.is_batch_norm_frozen)
        sums: dict[str, float] = {}
        for turn in range(self._config.batch.accumulate):
            batch = next(batches).to(self._accelerator.device)
            # Dropout draws from the global generator. Seeded by the position it needs no state;
            # after the batch, because a loader that begins draws from it, too.
            position = (self._progress.step, turn, self._accelerator.process_index)
            torch.manual_seed(_seed(_STEP_STREAM, self._config.seed, *position))
            with self._accelerator.accumulate(self._ready):
                losses = self._ready(batch.pixels, batch.batch)
                self._check_finite(losses)
                self._accelerator.backward(losses["loss"])
                self._move()
            for name, loss in losses.items():
                sums[name] = sums.get(name, 0.0) + float(loss.detach())
        return {name: total / self._config.batch.accumulate for name, total in sums.items()}

    def _move(self) -> None:
        clip_norm = self._config.optimiser.clip_norm
        if self._accelerator.sync_gradients and clip_norm is not None:
            self._accelerator.clip_grad_norm_(self._module.parameters(), clip_norm)
        self._optimiser.step()
        self._optimiser.zero_grad()
        self._module.loss.info_nce.clamp()

    def _check_finite(self, losses: Mapping[str, torch.Tensor]) -> None:
        bad = [f"{name} is {loss.item()}" for name, loss in losses.items() if not loss.isfinite()]
        # All processes stop together: one alone would leave the others waiting for its gradients.
        here = torch.tensor(float(len(bad)), device=self._accelerator.device)
        if self._accelerator.reduce(here, "sum") > 0:
            elsewhere = "of another process is not finite"
            raise self._diverged(f"the loss {bad[0] if bad else elsewhere}")

    def _diverged(self, what: str) -> TrainingDiverged:
        best = self._progress.best_step
        kept = f"the encoder of step {best} stays saved" if best else "no encoder was saved before"
        return TrainingDiverged(
            f"Training stopped after step {self._progress.step}: {what}; {kept}.",
            step=self._progress.step,
        )

    # Measuring and saving

    def _is_exhausted(self) -> bool:
        patience = self._config.patience
        return patience is not None and self._progress.worse_in_a_row >= patience

    def _keep(self) -> None:
        """Measure and save what is due after this step."""
        step, is_last = self._progress.step, self._progress.step == self._total_steps
        is_checkpoint_due = is_last or step % self._config.checkpoint_every == 0
        if self._held_out is None:
            if is_checkpoint_due:
                with self._served():
                    self._save_encoder()
        elif is_last or step % self._config.evaluate_every == 0:
            with self._served():
                self._judge(self._measured())
        # The first, too: a run that dies before its first checkpoint would leave an encoder that
        # neither a new run nor a resumed one may touch.
        if step == 1 or is_checkpoint_due or self._is_exhausted():
            self._save_state()

    def _judge(self, metrics: dict[str, float]) -> None:
        """Save the encoder where it is the best so far; an equal later one is taken, too."""
        progress = self._progress
        log_to(self._trackers, progress.step, named(metrics))
        progress.history.append({"step": float(progress.step)} | metrics)
        best = progress.best.get("map", -math.inf)
        progress.worse_in_a_row = 0 if metrics["map"] > best else progress.worse_in_a_row + 1
        if metrics["map"] >= best:
            progress.best = metrics
            self._save_encoder()

    def _measured(self) -> dict[str, float]:
        """Return the held-out metrics; every process gets those of the main one."""
        metrics: list[dict[str, float] | None] = [None]
        if self._held_out is not None and self._accelerator.is_main_process:
            metrics = [self._held_out.measure(self._embed)]
        broadcast_object_list(metrics)
        return metrics[0] or {}

    def _embed(self, pixels: torch.Tensor) -> torch.Tensor:
        return self._computed(self._module.embed, pixels)

    def _computed(
        self, function: Callable[[torch.Tensor], torch.Tensor], pixels: torch.Tensor
    ) -> torch.Tensor:
        self._module.eval()
        with torch.no_grad(), self._accelerator.autocast():
            rows = function(pixels.to(self._accelerator.device))
        if not torch.isfinite(rows).all():
            raise self._diverged("an embedding is not finite")
        return rows

    @contextmanager
    def _served(self) -> Iterator[None]:
        """Let the module be what is measured and saved: its weights, and a whitening for them."""
        training_whitening = self._module.whitening
        with ExitStack() as stack:
            for weights in (self._averages, self._start):
                if weights is not None:
                    stack.enter_context(weights.put_in(self._module))
            self._check_weights()
            if self._accelerator.is_main_process:
                self._module.whitening = self._fitted_whitening()
            try:
                yield
            finally:
                self._module.whitening = training_whitening

    def _fitted_whitening(self) -> Whitening | None:
        """Return the whitening for the first views, at the served size, or the encoder's."""
        config, batch = self._config.whitening, self._config.batch
        if config.views is None:
            kept = copy.deepcopy(self._network.whitening)
            return None if kept is None else kept.to(self._accelerator.device)
        batches = math.ceil(config.views / (self._plan.subjects_each * batch.views))
        maker = ViewMaker(self._pictures, self._config.views, size_px=self._preprocess.size_px)
        views = load(
            maker,
            self._plan.batches(0, batches),
            media=self._plan.media(),
            workers=self._config.workers,
        )
        outputs, labels = [], []
        for view in views:
            outputs.append(self._computed(self._module.outputs, view.pixels).cpu())
            labels.append(view.batch.labels)
        fitted = fit_whitening(torch.cat(outputs), torch.cat(labels), ridge=config.ridge)
        return fitted.to(self._accelerator.device)

    def _check_weights(self) -> None:
        for name, parameter in self._module.named_parameters():
            if not torch.isfinite(parameter).all():
                raise self._diverged(f"the weights {name} are not finite")

    def _save_encoder(self) -> None:
        if not self._accelerator.is_main_process:
            return
        served = dataclasses.replace(
            self._network,
            module=merged(self._module.network).cpu(),
            whitening=self._module.whitening,
        )
        dtype = _SAVED[self._config.saved_precision]
        saved = checkpoint.save(served, self._folder, dtype=dtype)
        self._progress.best_step = self._progress.step
        record = self._record(saved)
        records.write_json(self._folder / records.TRAINING, record)
        records.write_report(self._folder, record, self._left_out)

    def _record(self, saved: EncoderNetwork) -> dict[str, Any]:
        progress = self._progress
        return {
            "encoder": saved.name,
            "weights_sha256": saved.weights_sha256,
            "identity": self._identity,
            "config": self._config.to_json(),
            "data_sha256": self._manifest["sha256"],
            "git_commit": records.git_commit(),
            "libraries": records.library_versions(),
            "device": str(self._accelerator.device),
            "precision": self._accelerator.mixed_precision,
            "step": progress.step,
            "total_steps": self._total_steps,
            "seconds": round(time.monotonic() - self._began, 1),
            "losses": progress.losses,
            "held_out_at_start": progress.start,
            "held_out": progress.best,
            "history": progress.history,
        }

    # State

    def _save_state(self) -> None:
        if not self._accelerator.is_main_process:
            return
        self._check_weights()
        self._progress.seconds = time.monotonic() - self._began
        scaler = self._accelerator.scaler
        state = {
            "identity": self._identity,
            "progress": dataclasses.asdict(self._progress),
            "module": self._module.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "start": {} if self._start is None else self._start.state_dict(),
            "averages": {} if self._averages is None else self._averages.state_dict(),
            "scaler": {} if scaler is None else scaler.state_dict(),
        }
        records.write_state(self._folder, state)

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go to where a state was saved.

        Raises:
            CheckpointMismatch: it is of another encoder, other data or another config.
        """
        try:
            _check_identity(state["identity"], self._identity)
            self._module.load_state_dict(state["module"])
            self._optimiser.load_state_dict(state["optimiser"])
            if self._averages is not None:
                self._averages.load_state_dict(state["averages"])
            if self._start is not None:
                self._start.load_state_dict(state["start"])
            if self._accelerator.scaler is not None and state["scaler"]:
                self._accelerator.scaler.load_state_dict(state["scaler"])
            self._progress = _Progress(**state["progress"])
        except (KeyError, TypeError, ValueError, RuntimeError) as err:
            raise CheckpointMismatch(
                f"The state in {self._folder} is not one of this training: {err}",
                folder=str(self._folder),
            ) from err


def schedule(step: int, total: int, *, warm_up: float, final: float) -> float:
    """Return the part of the greatest learning rate that a step is made with.

    It rises in equal parts to 1 over the first `warm_up` of all steps, then falls along half a
    cosine to `final` at the last step.

    Args:
        step: from 0.
        total: ≥ 1.
        warm_up: 0..1.
        final: 0..1.
    """
    rising = round(warm_up * total)
    if step < rising:
        return (step + 1) / rising
    place = (step - rising) / max(1, total - rising - 1)
    return final + (1 - final) * (1 + math.cos(math.pi * min(1.0, place))) / 2


def _total_steps(config: TrainingConfig, batches_an_epoch: int) -> int:
    if config.steps is not None:
        return config.steps
    batches = (config.epochs or 0) * batches_an_epoch
    return max(1, math.ceil(batches / config.batch.accumulate))


def _seed(*parts: int) -> int:
    (seed,) = np.random.SeedSequence(parts).generate_state(1, np.uint64).tolist()
    return int(seed)


def _accelerator(config: TrainingConfig) -> Accelerator:
    device = devices.resolve(config.device)
    if device.type == "cpu":
        keep_freed_memory()
    if device.type == "cuda" and device.index is not None:
        torch.cuda.set_device(device)
    return Accelerator(
        mixed_precision=_precision(config.precision, device),
        gradient_accumulation_steps=config.batch.accumulate,
        cpu=device.type == "cpu",
    )


def _precision(asked: str, device: torch.device) -> str:
    """Return the number format by accelerate's name."""
    if asked == "fp16" and device.type != "cuda":
        raise InvalidTrainingConfig(
            f"fp16 trains on CUDA devices only, not on {device}; take bf16 or fp32.",
            device=str(device),
        )
    if asked == "auto":
        is_computed = (
            torch.cuda.is_bf16_supported()
            if device.type == "cuda"
            else device.type == "cpu" and devices.has_bf16_instructions()
        )
        asked = "bf16" if is_computed else "fp32"
    return "no" if asked == "fp32" else asked


def _resized(preprocess: PreprocessConfig, size_px: int | None) -> PreprocessConfig:
    """Return the preprocessing for another input size: the same part of the picture is seen."""
    if size_px is None:
        return preprocess
    resize_px = round(preprocess.resize_px * size_px / preprocess.size_px)
    resized = dataclasses.replace(preprocess, size_px=size_px, resize_px=resize_px)
    try:
        return PreprocessConfig.from_json(dataclasses.asdict(resized))
    except ValueError as err:
        raise InvalidTrainingConfig(f"The encoder cannot take {err}.", size_px=size_px) from err


def _try_size(module: TrainingModule, size_px: int, accelerator: Accelerator) -> None:
    """Refuse an input size that the network cannot take, before hours of work.

    Raises:
        InvalidTrainingConfig: the network cannot take it.
    """
    pixels = torch.zeros((1, size_px, size_px, 3), dtype=torch.uint8, device=accelerator.device)
    module.eval()
    try:
        with torch.no_grad(), accelerator.autocast():
            module.embed_mixed(pixels)
    except (RuntimeError, ValueError, AssertionError) as err:
        raise InvalidTrainingConfig(
            f"The network does not take pictures of {size_px} px: {err}", size_px=size_px
        ) from err


def _needs_bank(loss: LossConfig) -> bool:
    weights = (loss.anchor_photo_weight, loss.anchor_drawing_weight, loss.relation_weight)
    return loss.alike_score is not None or any(weight > 0 for weight in weights)


def _identity(config: TrainingConfig, network: EncoderNetwork, data_sha256: str) -> dict[str, str]:
    """Return what has to be equal for a state to be resumed."""
    fixed = {key: value for key, value in config.to_json().items() if key not in _FREE_ON_RESUME}
    return {
        "family": network.family,
        "weights": network.weights,
        "weights_sha256": network.weights_sha256,
        "data_sha256": data_sha256,
        "config_sha256": hash_of(fixed),
    }


def _check_identity(saved: Mapping[str, str], own: Mapping[str, str]) -> None:
    meaning = {
        "family": "another encoder",
        "weights_sha256": "another encoder's weights",
        "data_sha256": "other data",
        "config_sha256": "another config",
    }
    for name, what in meaning.items():
        if saved[name] != own[name]:
            raise CheckpointMismatch(
                f"The run cannot be resumed: its state is of {what}.",
                saved=saved[name],
                own=own[name],
            )
