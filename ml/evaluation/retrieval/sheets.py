"""The two pictures of a report: precision-recall curves and the worst failures."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont
from PIL import Image, ImageDraw, ImageFont

from ml.errors import MlError
from ml.evaluation.embedding import read_view
from ml.evaluation.retrieval.plan import View
from ml.evaluation.retrieval.trials import Curve, Failure, Row

MOST_FAILURES = 24
_DASHES = (("-", "solid"), ("--", "dashed"), (":", "dotted"), ("-.", "dash-dotted"))
_LEGEND_COLUMNS = 2
_PANELS_ACROSS = 4
_THUMB_PX, _GAP_PX, _TEXT_PX, _LINE_PX = 168, 10, 13, 17
_BLOCKS_ACROSS = 3
_PICTURES = 3
_GREY, _RED, _GREEN, _PAPER = (90, 90, 90), (190, 40, 40), (20, 130, 60), (255, 255, 255)


def draw_curves(rows: Sequence[Row], path: Path) -> bool:
    """Write a PNG of the pooled precision-recall curves, a panel each; return whether there is any.

    Colours tell the lines apart, the same in every panel, and dashes the systems.
    """
    drawn = [(row, row.curve) for row in rows if row.curve is not None]
    if not drawn:
        return False
    panels = list(dict.fromkeys(curve.panel for _, curve in drawn))
    systems = list(dict.fromkeys(row.system for row, _ in drawn))
    lines = list(dict.fromkeys(curve.line for _, curve in drawn))
    across = min(_PANELS_ACROSS, len(panels))
    down = math.ceil(len(panels) / across)
    most = max(len({curve.line for _, curve in drawn if curve.panel == name}) for name in panels)
    height = 3.4 + 0.19 * math.ceil(most / _LEGEND_COLUMNS)
    figure = Figure(figsize=(4.4 * across, height * down + 0.6), layout="constrained")
    grid = figure.subplots(down, across, squeeze=False).ravel()
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    for axes, panel in zip(grid, panels, strict=False):
        _draw_panel(axes, panel, [each for each in drawn if each[1].panel == panel], systems, lines)
    figure.suptitle(_title(systems), fontsize=10)
    figure.savefig(path, dpi=110, format="png")
    return True


def draw_failures(failures: Sequence[Failure], views: Sequence[View], path: Path) -> bool:
    """Write a PNG sheet of the worst failures; return whether there is any.

    Each block shows the query, what came first, and the best positive with its rank. Trials take
    turns, the worst of each first, until `MOST_FAILURES` are shown.
    """
    chosen = _in_turns(failures)
    if not chosen:
        return False
    across = min(_BLOCKS_ACROSS, len(chosen))
    width = _PICTURES * (_THUMB_PX + _GAP_PX) + 2 * _GAP_PX
    height = _THUMB_PX + 4 * _LINE_PX + 2 * _GAP_PX
    sheet = Image.new("RGB", (across * width, math.ceil(len(chosen) / across) * height), _PAPER)
    for number, failure in enumerate(chosen):
        place = (number % across * width + _GAP_PX, number // across * height + _GAP_PX)
        _draw_block(sheet, failure, views, place)
    sheet.save(path, "PNG", optimize=True)
    return True


@dataclass(frozen=True, slots=True)
class ShownPair:
    """Two views, by their places, and a line above them that says why they are shown."""

    title: str
    query: int
    candidate: int


def draw_pairs(pairs: Sequence[ShownPair], views: Sequence[View], path: Path) -> bool:
    """Write a PNG sheet of the first `MOST_FAILURES` pairs; return whether there is any."""
    chosen = pairs[:MOST_FAILURES]
    if not chosen:
        return False
    across = min(_BLOCKS_ACROSS, len(chosen))
    width = 2 * (_THUMB_PX + _GAP_PX) + 2 * _GAP_PX
    height = _THUMB_PX + 3 * _LINE_PX + _GAP_PX
    sheet = Image.new("RGB", (across * width, math.ceil(len(chosen) / across) * height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.truetype(findfont("DejaVu Sans"), _TEXT_PX)
    for number, pair in enumerate(chosen):
        x = number % across * width + _GAP_PX
        y = number // across * height + _GAP_PX
        draw.text((x, y), pair.title, fill=_RED, font=font)
        for column, view in enumerate((views[pair.query], views[pair.candidate])):
            left, top = x + column * (_THUMB_PX + _GAP_PX), y + _LINE_PX + 2
            _draw_thumb(sheet, view, (left, top), _GREY)
            name = _fitted(view.name, font)
            draw.text((left, top + _THUMB_PX + 2), name, fill=_GREY, font=font)
    sheet.save(path, "PNG", optimize=True)
    return True


def _title(systems: Sequence[str]) -> str:
    title = "Precision over recall, all pairs of a trial in one ranking"
    if len(systems) == 1:
        return f"{title}: {systems[0]}"
    dashes = [
        f"{_DASHES[number % len(_DASHES)][1]}: {system}" for number, system in enumerate(systems)
    ]
    return f"{title}\n{' · '.join(dashes)} (µAP in this order)"


def _draw_panel(
    axes: Axes,
    panel: str,
    drawn: Sequence[tuple[Row, Curve]],
    systems: Sequence[str],
    lines: Sequence[str],
) -> None:
    micro: dict[str, list[str]] = {}
    for row, curve in drawn:
        if row.metrics is not None:
            figure = f"{row.metrics.micro_average_precision:.2f}"
            micro.setdefault(curve.line, []).append(figure)
    for row, curve in drawn:
        is_first = row.system == systems[0]
        axes.plot(
            curve.recall,
            curve.precision,
            color=f"C{lines.index(curve.line) % 10}",
            linestyle=_DASHES[systems.index(row.system) % len(_DASHES)][0],
            linewidth=1.4,
            label=f"{curve.line} (µAP {' / '.join(micro[curve.line])})" if is_first else None,
        )
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    axes.set_title(panel, fontsize=10)
    axes.grid(visible=True, alpha=0.3)
    # Below the axes, where it hides no curve.
    axes.legend(fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=_LEGEND_COLUMNS)


def _in_turns(failures: Sequence[Failure]) -> list[Failure]:
    queues: dict[str, list[Failure]] = {}
    for failure in failures:
        queues.setdefault(failure.trial, []).append(failure)
    chosen: list[Failure] = []
    for turn in range(max((len(queue) for queue in queues.values()), default=0)):
        chosen += [queue[turn] for queue in queues.values() if turn < len(queue)]
    order = {trial: number for number, trial in enumerate(queues)}
    return sorted(chosen[:MOST_FAILURES], key=lambda failure: order[failure.trial])


def _draw_block(
    sheet: Image.Image, failure: Failure, views: Sequence[View], place: tuple[int, int]
) -> None:
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.truetype(findfont("DejaVu Sans"), _TEXT_PX)
    x, y = place
    draw.text((x, y), failure.trial, fill=(0, 0, 0), font=font)
    columns = (
        (failure.query, "query", "", _GREY),
        (failure.first, "came first", f"score {failure.first_score:.3f}", _RED),
        (
            failure.best,
            f"right one: rank {failure.best_rank}",
            f"score {failure.best_score:.3f}, of {failure.gallery}",
            _GREEN,
        ),
    )
    for number, (view, title, detail, colour) in enumerate(columns):
        left, top = x + number * (_THUMB_PX + _GAP_PX), y + _LINE_PX + 2
        _draw_thumb(sheet, views[view], (left, top), colour)
        below = top + _THUMB_PX + 3
        for line, text in enumerate((title, _fitted(views[view].name, font), detail)):
            fill = colour if line == 0 else _GREY
            draw.text((left, below + line * (_LINE_PX - 2)), text, fill=fill, font=font)


def _draw_thumb(
    sheet: Image.Image, view: View, place: tuple[int, int], colour: tuple[int, int, int]
) -> None:
    box = (place[0], place[1], place[0] + _THUMB_PX - 1, place[1] + _THUMB_PX - 1)
    draw = ImageDraw.Draw(sheet)
    draw.rectangle(box, fill=(238, 238, 238), outline=colour)
    try:
        image = read_view(view)
    except MlError:  # readable a moment ago: the file was changed or taken away since
        draw.text((box[0] + 8, box[1] + 8), "no longer readable", fill=_GREY)
        return
    image.thumbnail((_THUMB_PX - 4, _THUMB_PX - 4))
    left = place[0] + (_THUMB_PX - image.width) // 2
    top = place[1] + (_THUMB_PX - image.height) // 2
    sheet.paste(image, (left, top))


def _fitted(name: str, font: ImageFont.FreeTypeFont) -> str:
    """Return the name's end that fits under a picture."""
    if font.getlength(name) <= _THUMB_PX:
        return name
    while font.getlength(f"…{name}") > _THUMB_PX:
        name = name[1:]
    return f"…{name}"
