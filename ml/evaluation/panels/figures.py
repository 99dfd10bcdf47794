"""How well the panels found are the true ones."""

from collections.abc import Sequence
from dataclasses import dataclass

from ml.evaluation.panels.truth import PLAIN, PanelTruth
from ml.panels.outlines import PanelOutline, outline_iou
from ml.types import Box, intersection_over_union

_IGNORED_IOU = 0.5  # with an ignored box, from which a found one is neither right nor wrong


@dataclass(frozen=True, slots=True)
class Matching:
    """The boxes of one picture, compared.

    Attributes:
        right: N pairs of indices: in the true boxes, and in the found ones; each index once.
        wrong: indices of found boxes that are neither right nor ignored.
        missed: indices of true boxes that were not found.
    """

    right: tuple[tuple[int, int], ...]
    wrong: tuple[int, ...]
    missed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PanelFigures:
    """What was found in the pictures of a kind.

    Attributes:
        kind: see `PanelTruth.kind`; or what they have in common.
        pictures: how many.
        panels: true ones.
        right: found ones that are true.
        wrong: found ones that are not; those on ignored boxes left out.
        plain: pictures that are one photo.
        plain_split: of them, those in which panels were found.
        empty: pages without photos.
        empty_kept: of them, those in which nothing was found.
        milliseconds: mean time of a picture, decoded already.
    """

    kind: str
    pictures: int
    panels: int
    right: int
    wrong: int
    plain: int
    plain_split: int
    empty: int
    empty_kept: int
    milliseconds: float

    @property
    def precision(self) -> float | None:
        """Share of found panels that are right; None where nothing was found."""
        return _share(self.right, self.right + self.wrong)

    @property
    def recall(self) -> float | None:
        """Share of true panels that were found; None where there are none."""
        return _share(self.right, self.panels)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of both; None where there are neither true nor found panels."""
        return _share(2 * self.right, self.panels + self.right + self.wrong)


@dataclass(frozen=True, slots=True)
class PanelResult:
    """One picture that was split.

    Attributes:
        truth: what it is.
        found: boxes in pixels.
        matching: of its true boxes and the found ones.
        milliseconds: the splitting took.
    """

    truth: PanelTruth
    found: tuple[Box, ...]
    matching: Matching
    milliseconds: float


def match(
    truth: PanelTruth, found: Sequence[Box], outlines: Sequence[PanelOutline] = ()
) -> Matching:
    """Return which boxes are right: the pair that fits best first, each box in one pair at most.

    Args:
        truth: of the picture.
        found: boxes in pixels.
        outlines: what is compared of a comic, box by box; none: the boxes are.

    Example:
        >>> from pathlib import Path
        >>> truth = PanelTruth(Path("a.png"), "a.png", "grid", 0.9, panels=(Box(0, 0, 20, 20),))
        >>> match(truth, [Box(40, 0, 60, 20), Box(0, 0, 20, 19)])
        Matching(right=((0, 1),), wrong=(0,), missed=())
    """
    pairs = sorted(
        (
            (fit, row, column)
            for row, fits in enumerate(_fits(truth, found, outlines))
            for column, fit in enumerate(fits)
        ),
        key=lambda pair: (-pair[0], pair[1], pair[2]),
    )
    right: dict[int, int] = {}
    for fit, row, column in pairs:
        if fit >= truth.min_iou and row not in right and column not in right.values():
            right[row] = column
    taken = set(right.values())
    return Matching(
        right=tuple(sorted(right.items())),
        wrong=tuple(
            index
            for index, box in enumerate(found)
            if index not in taken and not _is_ignored(box, truth.ignored)
        ),
        missed=tuple(index for index in range(len(truth.panels)) if index not in right),
    )


def figures_by_kind(results: Sequence[PanelResult]) -> list[PanelFigures]:
    """Return the figures of each kind, in the order they appear in, and of all where several."""
    kinds = list(dict.fromkeys(each.truth.kind for each in results))
    rows = [_figures(kind, [e for e in results if e.truth.kind == kind]) for kind in kinds]
    return rows if len(kinds) == 1 else [*rows, _figures("all", results)]


def _figures(kind: str, results: Sequence[PanelResult]) -> PanelFigures:
    plain = [each for each in results if each.truth.kind == PLAIN]
    others = [each for each in results if each.truth.kind != PLAIN]
    empty = [each for each in others if not each.truth.panels]
    return PanelFigures(
        kind=kind,
        pictures=len(results),
        panels=sum(len(each.truth.panels) for each in others),
        right=sum(len(each.matching.right) for each in others),
        wrong=sum(len(each.matching.wrong) for each in others),
        plain=len(plain),
        plain_split=sum(bool(each.found) for each in plain),
        empty=len(empty),
        empty_kept=sum(not each.matching.wrong for each in empty),
        milliseconds=sum(each.milliseconds for each in results) / len(results),
    )


def _fits(
    truth: PanelTruth, found: Sequence[Box], outlines: Sequence[PanelOutline]
) -> list[list[float]]:
    """Return how well each true panel and each found one fit, 0..1."""
    if truth.outlines:
        shapes = outlines or [PanelOutline.of_box(box) for box in found]
        return [[outline_iou(one, other) for other in shapes] for one in truth.outlines]
    return [[intersection_over_union(one, other) for other in found] for one in truth.panels]


def _is_ignored(box: Box, ignored: Sequence[Box]) -> bool:
    return any(intersection_over_union(box, each) >= _IGNORED_IOU for each in ignored)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
