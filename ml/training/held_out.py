"""The measure on held-out pictures that a training is stopped and its best weights chosen by."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from ml.encoders.base import PreprocessConfig
from ml.encoders.preprocess import to_pixels
from ml.evaluation.retrieval.metrics import summarise
from ml.evaluation.retrieval.ranking import rank
from ml.training.config import TrainingConfig
from ml.training.data.pictures import PictureSet
from ml.training.data.sampler import ViewRequest, drawing_kinds
from ml.training.data.sources import PHOTO
from ml.training.data.views import ViewMaker

Embed = Callable[[torch.Tensor], torch.Tensor]

_CHOICE_STREAM, _QUERY_STREAM = 6, 7
_EMBED_AT_ONCE = 32


class HeldOut:
    """Queries, a gallery, and which of it are right answers; owns their pixels.

    Of labelled data, every picture is a query and the gallery is all others; right are those of the
    same subject. Of "made" data the gallery is the pictures as they are, and the queries are made
    of them: an edited view of each and a drawing of each; right is the one picture.
    """

    def __init__(
        self, pictures: PictureSet, config: TrainingConfig, preprocess: PreprocessConfig
    ) -> None:
        """Choose the pictures and make the queries.

        Args:
            pictures: the held-out ones, at least one.
            config: kind of data, views, seed, and most pictures to use.
            preprocess: how the gallery becomes the network's input.
        """
        self._pictures = pictures.of(_chosen(pictures, config))
        self._gallery = source_pixels(self._pictures, preprocess)
        self._queries: dict[str, NDArray[np.uint8]] = {}
        if config.data.kind == "made":
            maker = ViewMaker(self._pictures, config.views, size_px=preprocess.size_px)
            kinds = {"photo": [PHOTO], "drawing": drawing_kinds(config.views)}
            for name, media in kinds.items():
                if media:
                    self._queries[name] = _made(maker, len(self._pictures), media, config.seed)

    def measure(self, embed: Embed) -> dict[str, float]:
        """Return mean average precisions, 0..1, ties in the worst order.

        Args:
            embed: (N, S, S, 3) uint8 → (N, D) unit rows.

        Returns:
            "map": of all queries; for "made" data the mean of "map_photo" and "map_drawing", which
            are there, too.

        Raises:
            NoPositives: labelled pictures, and no two of one subject.
        """
        gallery = embed_all(embed, self._gallery)
        labels = np.array([picture.entry.label for picture in self._pictures.pictures])
        positives = labels[:, None] == labels[None, :]
        if not self._queries:
            itself = np.eye(len(labels), dtype=bool)
            return {"map": _map(gallery @ gallery.T, positives & ~itself, ignored=itself)}
        each = {
            f"map_{name}": _map(embed_all(embed, pixels) @ gallery.T, positives)
            for name, pixels in self._queries.items()
        }
        return {"map": float(np.mean(list(each.values())))} | each


def source_pixels(pictures: PictureSet, preprocess: PreprocessConfig) -> NDArray[np.uint8]:
    """Return every picture as it is embedded when it is served: (N, S, S, 3) uint8."""
    pixels = np.empty((len(pictures), preprocess.size_px, preprocess.size_px, 3), np.uint8)
    for index in range(len(pictures)):
        source = pictures.pixels(index, min_side_px=preprocess.resize_px)
        pixels[index] = to_pixels([Image.fromarray(source)], preprocess)[0]
    return pixels


def embed_all(embed: Embed, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (N, D) embeddings of (N, S, S, 3) pixels, made a few at a time."""
    parts = [
        embed(torch.from_numpy(pixels[start : start + _EMBED_AT_ONCE])).cpu()
        for start in range(0, len(pixels), _EMBED_AT_ONCE)
    ]
    embeddings: NDArray[np.float32] = torch.cat(parts).float().numpy()
    return embeddings


def _chosen(pictures: PictureSet, config: TrainingConfig) -> list[int]:
    """Return whole subjects in random order until there are enough pictures."""
    by_label: dict[str, list[int]] = {}
    for index, picture in enumerate(pictures.pictures):
        by_label.setdefault(picture.entry.label, []).append(index)
    names = sorted(by_label)
    order = np.random.default_rng([_CHOICE_STREAM, config.seed]).permutation(len(names))
    chosen: list[int] = []
    for index in order:
        members = by_label[names[index]]
        if chosen and len(chosen) + len(members) > config.data.max_held_out:
            break
        chosen += members
    return sorted(chosen)


def _made(maker: ViewMaker, count: int, media: Sequence[str], seed: int) -> NDArray[np.uint8]:
    """Return one view of each picture, its medium the next of `media`."""
    views = []
    for index in range(count):
        medium = media[index % len(media)]
        seeds = (_QUERY_STREAM, seed, index, len(media))
        request = ViewRequest(index, index, medium, is_made=medium != PHOTO, seed=seeds)
        views.append(maker.make(request).pixels)
    return np.stack(views)


def _map(
    scores: NDArray[np.float32],
    positives: NDArray[np.bool_],
    ignored: NDArray[np.bool_] | None = None,
) -> float:
    return float(summarise(rank(scores, positives, ignored)).mean_average_precision)


def named(metrics: Mapping[str, float]) -> dict[str, float]:
    """Return the metrics under the names that curves have."""
    return {f"held_out/{name}": value for name, value in metrics.items()}
