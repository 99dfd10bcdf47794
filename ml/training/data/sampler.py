"""Which views make up each batch: a pure function of the seed and the batch's number."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ml.training.config import BatchConfig, ViewConfig
from ml.training.data.pictures import PictureSet
from ml.training.data.sources import PHOTO
from ml.training.drawings import KINDS

_EPOCH_STREAM, _SUBJECT_STREAM, _VIEW_STREAM = 2, 3, 4


@dataclass(frozen=True, slots=True)
class ViewRequest:
    """One view to be made.

    Attributes:
        picture: the source's index in the picture set.
        label: number of the subject.
        medium: the picture's own, or for a drawing to be made its kind.
        is_made: whether `medium` is a kind of drawing that is yet to be made.
        seed: of the view's own generator; no two views of a run share one.
    """

    picture: int
    label: int
    medium: str
    is_made: bool
    seed: tuple[int, ...]


class BatchPlan:
    """P subjects × K views a batch, media mixed. Owns no position: batches are asked for by number.

    An epoch is a permutation of the subjects, cut into batches; what does not fill one is left for
    the next epoch's. Where a subject has hard negatives, one of them follows it into the batch.

    Of labelled data, a subject's K views are of K of its pictures, drawn without repetition and in
    turn from each of its media; a subject with fewer pictures gives several views of some. Of
    "made" data, every picture is a subject: its first view is an edited photo, the others by chance
    another one or a drawing.
    """

    def __init__(
        self,
        pictures: PictureSet,
        *,
        batch: BatchConfig,
        views: ViewConfig,
        is_made: bool,
        seed: int,
    ) -> None:
        self._pictures = pictures
        self._views_each = batch.views
        self._is_made = is_made
        self._seed = seed
        names = sorted({picture.entry.label for picture in pictures.pictures})
        numbers = {name: number for number, name in enumerate(names)}
        self._by_label: list[list[int]] = [[] for _ in names]
        for index, picture in enumerate(pictures.pictures):
            self._by_label[numbers[picture.entry.label]].append(index)
        self._partners: dict[int, list[int]] = defaultdict(list)
        for first, second in pictures.hard_negatives:
            if first in numbers and second in numbers:
                self._partners[numbers[first]].append(numbers[second])
                self._partners[numbers[second]].append(numbers[first])
        needed = 1 if is_made else 2
        # A subject of one picture can be a hard negative, but has no positive of its own.
        self._subjects = [
            number for number, members in enumerate(self._by_label) if len(members) >= needed
        ]
        self.subjects_each = min(batch.subjects, len(names))
        self.epoch_batches = max(1, len(self._subjects) // self.subjects_each)
        self._kinds, self._chances = _kind_chances(views)

    def media(self) -> list[str]:
        """Return every medium that a batch can hold, in a fixed order."""
        own = {picture.entry.medium for picture in self._pictures.pictures}
        return sorted(own | set(self._kinds if self._is_made else ()))

    def batch(self, number: int) -> list[ViewRequest]:
        """Return the views of a batch, P × K of them, a subject's views side by side.

        Args:
            number: of the batch, from 0, counted through all epochs.
        """
        epoch, index = divmod(number, self.epoch_batches)
        rng = np.random.default_rng([_EPOCH_STREAM, self._seed, epoch])
        order = rng.permutation(self._subjects)
        start = index * self.subjects_each
        chosen = self._with_partners(order[start:].tolist() + order[:start].tolist(), number)
        requests = []
        for slot, subject in enumerate(chosen):
            seed = (self._seed, epoch, start + slot)
            requests += self._views_of(subject, seed)
        return requests

    def batches(self, start: int, stop: int, *, stride: int = 1) -> Iterator[list[ViewRequest]]:
        """Yield the batches from number `start` up to `stop`, every `stride`th."""
        for number in range(start, stop, stride):
            yield self.batch(number)

    def _with_partners(self, order: Sequence[int], number: int) -> list[int]:
        rng = np.random.default_rng([_SUBJECT_STREAM, self._seed, number, 1])
        chosen: dict[int, None] = {}
        for subject in order:
            chosen.setdefault(subject)
            partners = [other for other in self._partners[subject] if other not in chosen]
            if partners and len(chosen) < self.subjects_each:
                chosen.setdefault(partners[rng.integers(len(partners))])
            if len(chosen) == self.subjects_each:
                break
        # Too few subjects with a positive of their own: the others stand by as negatives.
        for subject in range(len(self._by_label)):
            if len(chosen) == self.subjects_each:
                break
            chosen.setdefault(subject)
        return list(chosen)

    def _views_of(self, subject: int, seed: tuple[int, ...]) -> list[ViewRequest]:
        rng = np.random.default_rng([_SUBJECT_STREAM, *seed, 2])
        if self._is_made:
            picture = self._by_label[subject][0]
            kinds = [PHOTO, *rng.choice(self._kinds, self._views_each - 1, p=self._chances)]
            chosen = [(picture, str(kind), kind != PHOTO) for kind in kinds]
        else:
            turn = self._in_turn(self._by_label[subject], rng)
            chosen = [
                (picture, self._pictures.pictures[picture].entry.medium, False)
                for picture in (turn[view % len(turn)] for view in range(self._views_each))
            ]
        return [
            ViewRequest(picture, subject, medium, is_made, (_VIEW_STREAM, *seed, view))
            for view, (picture, medium, is_made) in enumerate(chosen)
        ]

    def _in_turn(self, members: Sequence[int], rng: np.random.Generator) -> list[int]:
        """Return a subject's pictures shuffled, one of each medium after the other."""
        by_medium: dict[str, list[int]] = defaultdict(list)
        for index in rng.permutation(members).tolist():
            by_medium[self._pictures.pictures[index].entry.medium].append(index)
        media = [by_medium[name] for name in rng.permutation(sorted(by_medium)).tolist()]
        longest = max(len(pictures) for pictures in media)
        return [
            pictures[turn] for turn in range(longest) for pictures in media if turn < len(pictures)
        ]


def drawing_kinds(views: ViewConfig) -> list[str]:
    """Return the kinds of drawing that are made, in a fixed order."""
    return [kind for kind in _kind_chances(views)[0] if kind != PHOTO]


def _kind_chances(views: ViewConfig) -> tuple[list[str], list[float]]:
    """Return the media of made views after the first, and the probability of each."""
    weights = views.drawing_weights or dict.fromkeys(KINDS, 1.0)
    total = sum(weights.values())
    share = views.photo_share if total > 0 else 1.0
    chances = {PHOTO: share} | {
        kind: (1 - share) * weight / total for kind, weight in weights.items() if total > 0
    }
    kinds = [kind for kind, chance in chances.items() if chance > 0]
    return kinds, [chances[kind] for kind in kinds]
