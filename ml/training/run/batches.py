"""The batches of a run, from any step on."""

import math
from collections.abc import Iterator

from accelerate import Accelerator

from ml.encoders.base import PreprocessConfig
from ml.training.config import TrainingConfig
from ml.training.data.batches import ViewBatch, load
from ml.training.data.pictures import PictureSet
from ml.training.data.sampler import BatchPlan
from ml.training.data.views import ViewMaker


class TrainingBatches:
    """Makes the batches of every step; owns no position. Several processes take turns.

    Attributes:
        total_steps: optimiser steps of the whole run, ≥ 1.
    """

    def __init__(
        self,
        config: TrainingConfig,
        pictures: PictureSet,
        preprocess: PreprocessConfig,
        accelerator: Accelerator,
    ) -> None:
        """Plan the batches.

        Args:
            config: what batches and views are made of, and how many steps there are.
            pictures: those that are trained on.
            preprocess: how the encoder is served.
            accelerator: knows the processes.
        """
        self._config = config
        self._pictures = pictures
        self._served_px = preprocess.size_px
        self._process: int = accelerator.process_index
        self._processes: int = accelerator.num_processes
        self._plan = BatchPlan(
            pictures,
            batch=config.batch,
            views=config.views,
            is_made=config.data.kind == "made",
            seed=config.seed,
        )
        self._maker = self._view_maker(config.views.size_px or preprocess.size_px)
        self.total_steps = self._count_steps()

    def from_step(self, step: int) -> Iterator[ViewBatch]:
        """Return this process's batches for all steps after the first `step` ones."""
        first = step * self._config.batch.accumulate * self._processes
        stop = self.total_steps * self._config.batch.accumulate * self._processes
        return self._load(self._maker, first + self._process, stop, stride=self._processes)

    def first_views(self, views: int) -> Iterator[ViewBatch]:
        """Return the run's first batches, at the size that is served, until there are enough views.

        Args:
            views: the smallest number of views in all batches together.
        """
        batches = math.ceil(views / (self._plan.subjects_each * self._config.batch.views))
        return self._load(self._view_maker(self._served_px), 0, batches, stride=1)

    def _load(self, maker: ViewMaker, start: int, stop: int, *, stride: int) -> Iterator[ViewBatch]:
        return load(
            maker,
            self._plan.batches(start, stop, stride=stride),
            media=self._plan.media(),
            workers=self._config.workers,
        )

    def _view_maker(self, size_px: int) -> ViewMaker:
        return ViewMaker(self._pictures, self._config.views, size_px=size_px)

    def _count_steps(self) -> int:
        if self._config.steps is not None:
            return self._config.steps
        batches_an_epoch = max(1, self._plan.epoch_batches // self._processes)
        batches = (self._config.epochs or 0) * batches_an_epoch
        return max(1, math.ceil(batches / self._config.batch.accumulate))
