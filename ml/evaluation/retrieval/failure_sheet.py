"""The sheet of a retrieval's worst failures: queries, what came first, and the right ones."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PIL import Image

from ml.evaluation.images import EvaluationImage
from ml.evaluation.retrieval.results import Failure
from ml.evaluation.sheet import (
    BLACK,
    GREEN,
    GREY,
    MAX_FAILURES,
    RED,
    Grid,
    Position,
    draw_sheet,
    fitted,
    write_line,
)
from ml.evaluation.thumbnails import (
    GAP_PX,
    LINE_PX,
    MAX_ACROSS,
    THUMBNAIL_PX,
    draw_thumbnail,
)

_PICTURES = 3
_GRID = Grid(
    cell=(
        _PICTURES * (THUMBNAIL_PX + GAP_PX) + 2 * GAP_PX,
        THUMBNAIL_PX + 4 * LINE_PX + 2 * GAP_PX,
    ),
    max_across=MAX_ACROSS,
    start=(GAP_PX, GAP_PX),
)


def draw_failures(
    failures: Sequence[Failure], images: Sequence[EvaluationImage], path: Path
) -> bool:
    """Write a PNG sheet of the worst failures; return whether there is any.

    Each cell shows the query, what came first, and the best positive with its rank. Trials take
    turns, the worst of each first, until `MAX_FAILURES` are shown.
    """
    return draw_sheet(_in_turns(failures), path, _GRID, partial(_draw_cell, images))


def _in_turns(failures: Sequence[Failure]) -> list[Failure]:
    queues: dict[str, list[Failure]] = {}
    for failure in failures:
        queues.setdefault(failure.trial, []).append(failure)
    chosen: list[Failure] = []
    for turn in range(max((len(queue) for queue in queues.values()), default=0)):
        chosen += [queue[turn] for queue in queues.values() if turn < len(queue)]
    order = {trial: number for number, trial in enumerate(queues)}
    return sorted(chosen[:MAX_FAILURES], key=lambda failure: order[failure.trial])


def _draw_cell(
    images: Sequence[EvaluationImage], sheet: Image.Image, at: Position, failure: Failure
) -> None:
    x, y = at
    write_line(sheet, at, failure.trial, BLACK)
    columns = (
        (failure.query, "query", "", GREY),
        (failure.first, "came first", f"score {failure.first_score:.3f}", RED),
        (
            failure.best,
            f"right one: rank {failure.best_rank}",
            f"score {failure.best_score:.3f}, of {failure.gallery}",
            GREEN,
        ),
    )
    for number, (index, title, detail, colour) in enumerate(columns):
        left, top = x + number * (THUMBNAIL_PX + GAP_PX), y + LINE_PX + 2
        draw_thumbnail(sheet, images[index], (left, top), colour)
        below = top + THUMBNAIL_PX + 3
        lines = (title, fitted(images[index].name, THUMBNAIL_PX), detail)
        for line, text in enumerate(lines):
            fill = colour if line == 0 else GREY
            write_line(sheet, (left, below + line * (LINE_PX - 2)), text, fill)
