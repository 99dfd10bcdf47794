"""Pictures whose panels are known: a folder with a truth.json, or one of plain photos."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.errors import EvaluationDataInvalid
from ml.evaluation.datasets import list_pictures
from ml.panels.outlines import PanelOutline, outline_of
from ml.types import Box

TRUTH = "truth.json"
PLAIN = "single"  # the style of a picture that is one photo
# Intersection over union from which a box is right. A collage's sides are sharp; on a page, round
# corners, shadows and the photo's own blank margins leave their sides open, in a comic the width
# of its frames does.
COLLAGE_IOU, PAGE_IOU, COMIC_IOU = 0.9, 0.85, 0.85


@dataclass(frozen=True, slots=True)
class PanelTruth:
    """One picture and its panels.

    Attributes:
        path: its file.
        name: the path inside the data folder, with slashes.
        kind: style of the collage, page or comic; `PLAIN` for one photo.
        min_iou: see `COLLAGE_IOU`.
        panels: boxes in pixels; none for a plain photo and for a page without photos.
        ignored: boxes that are neither right nor wrong.
        outlines: of a comic, panel by panel; else none: the boxes are the panels.
    """

    path: Path
    name: str
    kind: str
    min_iou: float
    panels: tuple[Box, ...] = ()
    ignored: tuple[Box, ...] = ()
    outlines: tuple[PanelOutline, ...] = ()


def read_panel_truth(folder: Path) -> list[PanelTruth]:
    """Return the pictures of a folder with their panels.

    Args:
        folder: holds a truth.json: name → `photos`, a list of boxes x0, y0, x1, y1, and perhaps
            `style` (of a collage; "single" is a plain photo), `page` (of a page; without either it
            is one, too) and `ignore`, a list of boxes; or `comic`, its style, and `polygons`, a
            list of convex ones, each a list of x and y. Without that file all pictures, at any
            depth, are plain photos.

    Raises:
        EvaluationDataInvalid: missing, empty or of another shape.
    """
    path = folder / TRUTH
    if not path.is_file():
        return [
            PanelTruth(picture, picture.relative_to(folder).as_posix(), PLAIN, COLLAGE_IOU)
            for picture in list_pictures(folder)
        ]
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        found = [_truth(folder, name, entry) for name, entry in stored.items()]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as err:
        raise EvaluationDataInvalid(
            f"{path} does not say, by name, where the photos are: {err!r}.", file=str(path)
        ) from err
    if not found:
        raise EvaluationDataInvalid(f"{path} names no pictures.", file=str(path))
    return found


def _truth(folder: Path, name: str, entry: dict[str, Any]) -> PanelTruth:
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise ValueError(f"{name} leaves the folder")
    if "comic" in entry:
        return _comic(folder, name, entry)
    style = entry.get("style")
    is_plain = style == PLAIN
    return PanelTruth(
        path=folder / name,
        name=name,
        kind=str(style or entry.get("page") or "page"),
        min_iou=PAGE_IOU if style is None else COLLAGE_IOU,
        panels=() if is_plain else tuple(_box(box) for box in entry["photos"]),
        ignored=tuple(_box(box) for box in entry.get("ignore", ())),
    )


def _comic(folder: Path, name: str, entry: dict[str, Any]) -> PanelTruth:
    outlines = tuple(
        outline_of([(float(x), float(y)) for x, y in polygon]) for polygon in entry["polygons"]
    )
    return PanelTruth(
        path=folder / name,
        name=name,
        kind=str(entry["comic"]),
        min_iou=COMIC_IOU,
        panels=tuple(outline.box for outline in outlines),
        outlines=outlines,
    )


def _box(values: list[int]) -> Box:
    x0, y0, x1, y1 = (int(value) for value in values)
    if x0 >= x1 or y0 >= y1:
        raise ValueError(f"the box {values} is none")
    return Box(x0, y0, x1, y1)
