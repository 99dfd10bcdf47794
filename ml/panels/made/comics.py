"""Made pages of comics and manga, and strips, whose panels are known."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.panels.made.collages import compressed, paste
from ml.panels.made.speech import draw_speech
from ml.panels.outlines import PanelOutline
from ml.types import Box

ComicStyle = Literal["framed", "slanted", "bleeding", "frameless", "manga", "strip"]
COMIC_STYLES: tuple[ComicStyle, ...] = (
    "framed",
    "slanted",
    "bleeding",
    "frameless",
    "manga",
    "strip",
)
PanelMedium = Literal["photo", "colour", "grey", "lines"]
# Returns another picture of a medium at each call, (H, W, 3) uint8 RGB, sides ≥ 16 px.
PanelPictures = Callable[[PanelMedium], NDArray[np.uint8]]

_PAGE_SIZES = ((800, 1200), (1000, 1500), (700, 1000), (1200, 1700), (1066, 1600), (640, 920))
_STRIP_SIZES = ((740, 260), (900, 300), (740, 520), (1200, 420), (600, 760))
_MIN_PANEL_SHARE = 0.17  # of the page's shorter side
_MAX_SLANT_DEG = 18.0
_TONES = (0.6, 0.88)  # of frameless drawings: on white, white ones have no sides
_MEDIA: dict[ComicStyle, tuple[PanelMedium, ...]] = {
    "framed": ("colour", "colour", "colour", "photo", "grey"),
    "slanted": ("colour", "colour", "photo", "grey"),
    "bleeding": ("colour", "colour", "photo", "grey"),
    "frameless": ("grey", "grey", "colour"),
    "manga": ("grey", "grey", "grey", "lines"),
    "strip": ("lines",),
}


@dataclass(frozen=True, slots=True)
class MadeComic:
    """A made page of a comic.

    Attributes:
        pixels: (H, W, 3) uint8 RGB.
        panels: what its frames surround, the frames included.
    """

    pixels: NDArray[np.uint8]
    panels: tuple[PanelOutline, ...]


@dataclass(frozen=True, slots=True)
class _PageLook:
    """How a page is drawn.

    Attributes:
        gutter_px: between panels.
        gutter: its grey level or colour, RGB.
        frame_px: width of the frames; 0 for none.
        ink: of frames, RGB.
        slanted_share: of the cuts, 0..1.
        bleeding_share: of the page's four sides, 0..1.
        speech_share: of the panels, 0..1.
    """

    gutter_px: int
    gutter: tuple[int, int, int]
    frame_px: int
    ink: tuple[int, int, int]
    slanted_share: float
    bleeding_share: float
    speech_share: float


def make_comic(style: ComicStyle, pictures: PanelPictures, rng: np.random.Generator) -> MadeComic:
    """Return a page of a style.

    Args:
        style: "frameless" are grey drawings beside pale gutters, "strip" line drawings in thin
            frames on white.
        pictures: what the panels show.
        rng: decides everything else.
    """
    sizes = _STRIP_SIZES if style == "strip" else _PAGE_SIZES
    width, height = sizes[rng.integers(len(sizes))]
    look = _look(style, width, rng)
    margin = int(rng.integers(0, 6) if style == "strip" else rng.integers(14, 60))
    inner = PanelOutline.of_box(Box(margin, margin, width - margin, height - margin))
    panels = _divided(inner, look, min(width, height) * _MIN_PANEL_SHARE, rng)
    panels = [_bled(panel, margin, (width, height), look, rng) for panel in panels]
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[:] = look.gutter
    media = _MEDIA[style]
    for panel in panels:
        picture = pictures(media[rng.integers(len(media))])
        if style == "frameless":
            picture = (picture * rng.uniform(*_TONES)).astype(np.uint8)
        _draw_panel(pixels, panel, picture, look)
    for panel in panels:
        if rng.random() < look.speech_share:
            draw_speech(pixels, panel.box, rng)
    return MadeComic(compressed(pixels, rng), tuple(panels))


def _look(style: ComicStyle, width: int, rng: np.random.Generator) -> _PageLook:
    pale = (int(rng.integers(225, 253)),) * 3
    tinted = tuple(int(level) for level in rng.integers(215, 253, 3))
    dark = (int(rng.integers(0, 16)),) * 3
    if style == "strip":
        gutters = [(255, 255, 255)]
    elif style == "frameless":
        gutters = [(255, 255, 255), pale, pale]
    else:
        gutters = [(255, 255, 255), (255, 255, 255), pale, (tinted[0], tinted[1], tinted[2]), dark]
    gutter = gutters[rng.integers(len(gutters))]
    is_dark = gutter[0] < 128
    frame_px = int(rng.choice((1, 1, 2) if style == "strip" else (2, 3, 3, 4, 6)))
    if style == "frameless" or (is_dark and rng.random() < 0.7):
        frame_px = 0
    narrow = max(4, width // 160)
    tone = 255 if is_dark else int(rng.integers(0, 40))
    return _PageLook(
        gutter_px=int(rng.integers(narrow, 4 * narrow)) + frame_px + 3,  # half a frame at each side
        gutter=gutter,
        frame_px=frame_px,
        ink=(tone, tone, tone),
        slanted_share={"slanted": 0.6, "manga": 0.35}.get(style, 0.0),
        bleeding_share={"bleeding": 0.6, "manga": 0.3}.get(style, 0.0),
        speech_share=0.5,
    )


def _divided(
    page: PanelOutline, look: _PageLook, min_side_px: float, rng: np.random.Generator
) -> list[PanelOutline]:
    """Return the panels of a page: tiers from the top, each cut from side to side."""
    box = page.box
    is_strip = box.width > 1.5 * box.height
    tiers = 1 if is_strip else int(rng.integers(2, 5))
    panels = []
    for tier in _parts(page, tiers, look, min_side_px, rng, is_upright=False):
        across = int(rng.integers(3, 5)) if is_strip else int(rng.integers(1, 4))
        for part in _parts(tier, across, look, min_side_px, rng, is_upright=True):
            is_stacked = part.box.height > 2.6 * min_side_px and rng.random() < 0.15
            panels += _parts(part, 1 + is_stacked, look, min_side_px, rng, is_upright=False)
    return panels


def _parts(
    outline: PanelOutline,
    count: int,
    look: _PageLook,
    min_side_px: float,
    rng: np.random.Generator,
    *,
    is_upright: bool,
) -> list[PanelOutline]:
    """Return an outline cut in one direction into at most so many parts."""
    parts, rest = [], outline
    for left in range(count, 1, -1):
        box = rest.box
        first, last = (box.x0, box.x1) if is_upright else (box.y0, box.y1)
        if last - first < 2.4 * min_side_px + look.gutter_px:
            break
        room = max(min_side_px, (last - first) / left)
        position = first + float(np.clip(room * rng.uniform(0.75, 1.25), min_side_px, None))
        position = min(position, last - min_side_px - look.gutter_px)
        slope = 0.0
        if rng.random() < look.slanted_share:
            slope = math.tan(math.radians(rng.uniform(-_MAX_SLANT_DEG, _MAX_SLANT_DEG)))
            length = box.height if is_upright else box.width
            # Not so slanted that a panel loses a corner.
            slope = float(np.clip(slope, -0.8 * min_side_px / length, 0.8 * min_side_px / length))
        middle = (box.y0 + box.y1) / 2 if is_upright else (box.x0 + box.x1) / 2
        across, down = (1.0, -slope) if is_upright else (-slope, 1.0)
        start = position - slope * middle
        before = rest.cut(across, down, start)
        after = rest.cut(-across, -down, -(start + look.gutter_px * math.hypot(1.0, slope)))
        if _is_small(before, min_side_px) or _is_small(after, min_side_px):
            break
        parts.append(before)
        rest = after
    return [*parts, rest]


def _is_small(outline: PanelOutline, min_side_px: float) -> bool:
    return outline.area < 0.8 * min_side_px**2


def _bled(
    panel: PanelOutline,
    margin: int,
    size: tuple[int, int],
    look: _PageLook,
    rng: np.random.Generator,
) -> PanelOutline:
    """Return a panel, by chance drawn out over the page's margin to the paper's edge."""
    if rng.random() >= look.bleeding_share:
        return panel
    width, height = size

    def moved(at: float, length: int) -> float:
        if at <= margin + 0.5:
            return 0.0
        return float(length) if at >= length - margin - 0.5 else at

    return PanelOutline(tuple((moved(x, width), moved(y, height)) for x, y in panel.corners))


def _draw_panel(
    pixels: NDArray[np.uint8], panel: PanelOutline, picture: NDArray[np.uint8], look: _PageLook
) -> None:
    box = panel.box
    drawn = pixels.copy()
    paste(drawn, picture, box)
    corners = np.rint(np.array(panel.corners)).astype(np.int32)
    mask = np.zeros(pixels.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, corners, 255, lineType=cv2.LINE_AA)
    share = (mask / np.float32(255))[..., None]
    pixels[:] = np.rint(drawn * share + pixels * (1 - share)).astype(np.uint8)
    if look.frame_px:
        cv2.polylines(
            pixels,
            [corners],
            isClosed=True,
            color=look.ink,
            thickness=look.frame_px,
            lineType=cv2.LINE_AA,
        )
