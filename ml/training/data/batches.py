"""Batches of views as tensors, made in the training's own process or by workers."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from ml.errors import MlError
from ml.training.data.sampler import ViewRequest
from ml.training.data.sources import PHOTO
from ml.training.data.views import View, ViewMaker
from ml.training.losses import Batch


@dataclass(frozen=True, slots=True)
class ViewBatch:
    """N views: (N, S, S, 3) uint8 pixels, R, G, B last, and what the losses know of them."""

    pixels: torch.Tensor
    batch: Batch

    def to(self, device: torch.device) -> "ViewBatch":
        """Return the same on a device."""
        batch = self.batch
        return ViewBatch(
            self.pixels.to(device),
            Batch(
                batch.labels.to(device),
                batch.media.to(device),
                batch.is_drawing.to(device),
                batch.sources.to(device),
            ),
        )


def stack(views: Sequence[View], media: Sequence[str]) -> ViewBatch:
    """Return views as one batch; a medium becomes its index in `media`."""
    return ViewBatch(
        torch.from_numpy(np.stack([view.pixels for view in views])),
        Batch(
            labels=torch.tensor([view.label for view in views]),
            media=torch.tensor([media.index(view.medium) for view in views]),
            is_drawing=torch.tensor([view.medium != PHOTO for view in views]),
            sources=torch.tensor([view.picture for view in views]),
        ),
    )


def load(
    maker: ViewMaker,
    batches: Iterable[Sequence[ViewRequest]],
    *,
    media: Sequence[str],
    workers: int,
) -> Iterator[ViewBatch]:
    """Yield the batches in order, whatever the number of workers.

    Args:
        maker: makes the views.
        batches: the requests, a sequence a batch.
        media: every medium that occurs.
        workers: processes that make views ahead; 0 makes them when they are asked for.

    Raises:
        InvalidTrainingData: a file cannot be read any more.
    """
    loader: DataLoader[View | MlError] = DataLoader(
        _Views(maker),
        batch_sampler=batches,  # type: ignore[arg-type]  # lists of requests instead of numbers
        num_workers=workers,
        collate_fn=_Collate(media),
        worker_init_fn=_use_one_core,
    )
    for views in loader:
        if isinstance(views, MlError):
            raise views
        yield views


class _Views(Dataset["View | MlError"]):
    def __init__(self, maker: ViewMaker) -> None:
        self._maker = maker

    def __getitem__(self, request: ViewRequest) -> View | MlError:
        try:
            return self._maker.make(request)
        except MlError as err:  # as a value: a worker would wrap its traceback around the sentence
            return err


class _Collate:
    def __init__(self, media: Sequence[str]) -> None:
        self._media = media

    def __call__(self, items: Sequence[View | MlError]) -> ViewBatch | MlError:
        errors = [item for item in items if isinstance(item, MlError)]
        views = [item for item in items if isinstance(item, View)]
        return next(chain(errors), None) or stack(views, self._media)


def _use_one_core(_worker: int) -> None:
    cv2.setNumThreads(0)
