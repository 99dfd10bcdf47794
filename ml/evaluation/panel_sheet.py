"""The failure sheet of the protocol `panels`: what was found and what should have been."""

import math
from collections.abc import Sequence
from pathlib import Path

from matplotlib.font_manager import findfont
from PIL import Image, ImageDraw, ImageFont

from ml.errors import MlError
from ml.evaluation.datasets import read_bytes
from ml.evaluation.panel_figures import Examined
from ml.evaluation.plots import MOST_FAILURES
from ml.evaluation.protocols import MAX_PIXELS
from ml.images.decode import decode
from ml.types import Box

_SIDE_PX, _GAP_PX, _TEXT_PX, _ACROSS = 360, 12, 13, 4
_TRUE, _MISSED, _RIGHT, _WRONG = (20, 150, 60), (200, 30, 30), (60, 120, 230), (240, 160, 0)
_LEGEND = "true: green, if missed red · found: blue, if wrong orange"


def draw_panel_failures(examined: Sequence[Examined], path: Path) -> bool:
    """Write a PNG sheet of the pictures with most mistakes; return whether there are any."""
    worst = sorted((e for e in examined if e.mistakes), key=lambda e: (-e.mistakes, e.truth.name))
    chosen = worst[:MOST_FAILURES]
    if not chosen:
        return False
    across = min(_ACROSS, len(chosen))
    cell = (_SIDE_PX + _GAP_PX, _SIDE_PX + _GAP_PX + 2 * _TEXT_PX)
    size = (across * cell[0] + _GAP_PX, math.ceil(len(chosen) / across) * cell[1] + 3 * _TEXT_PX)
    sheet = Image.new("RGB", size, "white")
    font = ImageFont.truetype(findfont("DejaVu Sans"), _TEXT_PX)
    ImageDraw.Draw(sheet).text((_GAP_PX, _TEXT_PX // 2), _LEGEND, fill="black", font=font)
    for number, each in enumerate(chosen):
        x = _GAP_PX + number % across * cell[0]
        y = 2 * _TEXT_PX + number // across * cell[1]
        title = f"{each.truth.name}, {each.truth.kind}: {len(each.matching.right)} right"
        ImageDraw.Draw(sheet).text((x, y), title, fill="black", font=font)
        sheet.paste(_drawn(each), (x, y + _TEXT_PX + 4))
    sheet.save(path, "PNG", optimize=True)
    return True


def _drawn(each: Examined) -> Image.Image:
    try:
        image = decode(read_bytes(each.truth.path), max_pixels=MAX_PIXELS)
    except MlError:  # readable a moment ago: the file was changed or taken away since
        return Image.new("RGB", (_SIDE_PX, _SIDE_PX), (238, 238, 238))
    scale = _SIDE_PX / max(image.size)
    drawn = image.resize([max(1, round(side * scale)) for side in image.size])
    draw = ImageDraw.Draw(drawn)
    missed, wrong = set(each.matching.missed), set(each.matching.wrong)
    for place, box in enumerate(each.truth.panels):
        draw.rectangle(_scaled(box, scale), outline=_MISSED if place in missed else _TRUE, width=4)
    for place, box in enumerate(each.found):
        draw.rectangle(_scaled(box, scale), outline=_WRONG if place in wrong else _RIGHT, width=2)
    return drawn


def _scaled(box: Box, scale: float) -> tuple[float, float, float, float]:
    x0, y0 = box.x0 * scale, box.y0 * scale
    return x0, y0, max(x0, box.x1 * scale - 1), max(y0, box.y1 * scale - 1)
