"""Pictures segmented one by one, and compared with the panels that are known."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.panels.figures import PanelResult, match
from ml.evaluation.panels.report import PanelReport
from ml.evaluation.panels.truth import PanelTruth, read_panel_truth
from ml.evaluation.reading import PictureReader
from ml.panels import Splitting, split
from ml.panels.outlines import PanelOutline


def examine(
    folder: Path,
    *,
    limit: int | None = None,
    splitter: Callable[[NDArray[np.uint8]], Splitting] = split,
) -> PanelReport:
    """Return how well the pictures of a folder are segmented into panels.

    Args:
        folder: see `read_panel_truth`.
        limit: how many pictures of a kind at most, the first ones; None takes all.
        splitter: is called as `split`.

    Raises:
        EvaluationDataInvalid: missing, empty, of another shape, or no picture can be read.
    """
    reader, results = PictureReader(), []
    for truth in _first_of_kind(read_panel_truth(folder), limit):
        picture = reader.read(truth.name, truth.path)
        if picture is None:
            continue
        pixels = np.asarray(picture)
        start = time.perf_counter()
        splitting = splitter(pixels)
        milliseconds = (time.perf_counter() - start) * 1000
        found = tuple(panel.box for panel in splitting.panels)
        outlines = [panel.outline or PanelOutline.of_box(panel.box) for panel in splitting.panels]
        results.append(PanelResult(truth, found, match(truth, found, outlines), milliseconds))
    reader.require_any(folder)
    return PanelReport(str(folder), reader.data_sha256, limit, tuple(results), reader.unreadable)


def _first_of_kind(truths: Sequence[PanelTruth], limit: int | None) -> list[PanelTruth]:
    taken: dict[str, int] = {}
    chosen = []
    for truth in truths:
        taken[truth.kind] = taken.get(truth.kind, 0) + 1
        if limit is None or taken[truth.kind] <= limit:
            chosen.append(truth)
    return chosen
