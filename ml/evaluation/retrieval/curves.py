"""The precision-recall curves of a retrieval."""

import math
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ml.evaluation.retrieval.results import Curve, Row

_DASHES = (("-", "solid"), ("--", "dashed"), (":", "dotted"), ("-.", "dash-dotted"))
_LEGEND_COLUMNS = 2
_MAX_PANELS_ACROSS = 4


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
    across = min(_MAX_PANELS_ACROSS, len(panels))
    down = math.ceil(len(panels) / across)
    max_lines = max(
        len({curve.line for _, curve in drawn if curve.panel == name}) for name in panels
    )
    height = 3.4 + 0.19 * math.ceil(max_lines / _LEGEND_COLUMNS)
    figure = Figure(figsize=(4.4 * across, height * down + 0.6), layout="constrained")
    grid = figure.subplots(down, across, squeeze=False).ravel()
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    for axes, panel in zip(grid, panels, strict=False):
        _draw_panel(axes, panel, [each for each in drawn if each[1].panel == panel], systems, lines)
    figure.suptitle(_title(systems), fontsize=10)
    figure.savefig(path, dpi=110, format="png")
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
