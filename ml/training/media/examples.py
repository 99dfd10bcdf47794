"""Pictures whose medium is known because they were made in it: photos, and drawings of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.images.decode import decode
from ml.media import statistics
from ml.panels.made.pages import make_page
from ml.rules.limits import MAX_PIXELS
from ml.rules.media import Medium
from ml.training import drawings
from ml.training.drawings.pixels import to_bytes
from ml.training.subjects import subject_mask

Picture = NDArray[np.uint8]
Rng = np.random.Generator

# What is made of a photo. Halftone and random filters are no medium of their own.
_MADE = (
    *((kind, Medium.SKETCH) for kind in ("contours", "outlines", "ink", "pencil", "hatching")),
    *((kind, Medium.CARTOON) for kind in ("cartoon", "posterised", "clip_art")),
)
# The rest of a made painting is the photo's: brushes paint detail, too.
_PAINTED, _PAINTED_SHARE, _PAINT_SATURATION = ("painting", "watercolour"), (0.3, 1.0), (0.9, 2.2)
_STROKE_PX, _BROKEN_LEVELS = (0.8, 4.0), (10.0, 9.0, 9.0)  # of lightness, and of colour
_DRAWN_PX, _SAVED_PX = (160, 400), (140, 512)
_JPEG_SHARE, _JPEG_QUALITY = 0.7, (55, 96)
_CUT_OUT_SHARE, _GREY_SHARE, _BLURRED_SHARE, _CROPPED_SHARE = 0.15, 0.08, 0.2, 0.5
_MAX_CLIP_ART_PIXELS, _CLIP_ART_PX = 8_000_000, 600
_PAGE_SHARE = 0.25  # of clip art, laid on another colour than white
_WHITE_PAGE_SHARE, _GRAIN_SHARE = 0.7, 0.3
# Clip art, on white: levels of paper, of ink, and between them; what line art has at most.
_PAPER, _INK, _BLACK = 245, 200, 60
_MAX_GREY_CHROMA, _MAX_INK_SHARE, _MAX_SHADED_SHARE = 24, 0.35, 0.1


@dataclass(frozen=True, slots=True, eq=False)
class MediumExample:
    """What the classifier sees of a picture: (F,) float32, see `statistics.NAMES`."""

    row: NDArray[np.float32]
    kind: str
    medium: Medium


def of_photo(index: int, *, photos: Sequence[Path], seed: int) -> list[MediumExample]:
    """Return examples of one photo, the same for the same seed.

    Itself, a painting and two drawings of it, and a page of a site, which is of no medium.
    """
    cv2.setNumThreads(1)
    rng = np.random.default_rng([seed, index])
    photo = _sized(_read(photos[index % len(photos)]), rng, _DRAWN_PX)
    found = [
        _example(_varied(photo, rng), "photo", Medium.PHOTO, rng),
        _example(_painted(_cropped(photo, rng), rng), "painting", Medium.PAINTING, rng),
    ]
    for step in range(2):
        kind, medium = _MADE[(2 * index + step) % len(_MADE)]
        drawn = drawings.draw(_cropped(photo, rng), kind, rng)
        if drawn.std() >= 1:  # else there was nothing to draw
            found.append(_example(drawn, kind, medium, rng))
    page = make_page(lambda: photo, rng, has_photos=bool(index % 2)).pixels
    return [*found, _example(page, "page", Medium.UNKNOWN, rng)]


def of_clip_art(index: int, *, pictures: Sequence[Path], seed: int) -> list[MediumExample]:
    """Return the example of a piece of clip art; none of what may be called either way."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng([seed, 1, index])
    drawn = _clip_art(pictures[index])
    if drawn is None:
        return []
    ground = [255, 255, 255]
    if rng.random() < _PAGE_SHARE:
        ground = rng.integers(0, 256, 3).tolist()
    page = Image.new("RGBA", drawn.size, (*ground, 255))
    page.alpha_composite(drawn)
    pixels = np.asarray(page.convert("RGB"))
    medium = _medium_of_clip_art(np.asarray(drawn))
    if medium is None or min(pixels.shape[:2]) < statistics.MIN_SIDE_PX:
        return []
    return [_example(pixels, "openclipart", medium, rng)]


def _clip_art(path: Path) -> Image.Image | None:
    """Return a drawing as RGBA; None of a file that is damaged, or far too large."""
    try:
        with Image.open(path) as file:
            if file.width * file.height > _MAX_CLIP_ART_PIXELS:
                return None
            drawn = file.convert("RGBA")
    except (OSError, SyntaxError, Image.DecompressionBombError):
        return None
    drawn.thumbnail((_CLIP_ART_PX, _CLIP_ART_PX))
    return drawn


def _medium_of_clip_art(rgba: Picture) -> Medium | None:
    """Return cartoon for colours, sketch for lines alone, None for silhouettes and grey art."""
    on_white = 255 - (255 - rgba[..., :3].astype(np.int16)) * rgba[..., 3:] // 255
    darkest = on_white.min(axis=2)
    is_drawn = darkest < _PAPER
    if not is_drawn.any():
        return None
    chroma = on_white.max(axis=2) - darkest
    if np.percentile(chroma[is_drawn], 90) > _MAX_GREY_CHROMA:
        return Medium.CARTOON
    is_line_art = 0 < (darkest < _INK).mean() < _MAX_INK_SHARE
    shaded = float(((darkest > _BLACK) & (darkest < _INK)).mean())
    return Medium.SKETCH if is_line_art and shaded < _MAX_SHADED_SHARE else None


def _painted(photo: Picture, rng: Rng) -> Picture:
    """Return a painting of a photo, with some of its detail and stronger colours."""
    share = float(rng.uniform(*_PAINTED_SHARE))
    strokes = drawings.draw(photo, str(rng.choice(_PAINTED)), rng)
    mixed = (strokes * share + photo * (1 - share)).astype(np.uint8)
    hsv = cv2.cvtColor(mixed, cv2.COLOR_RGB2HSV)
    hsv[..., 1] = np.clip(hsv[..., 1] * rng.uniform(*_PAINT_SATURATION), 0, 255)
    return _broken(np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), np.uint8), rng)


def _broken(painted: Picture, rng: Rng) -> Picture:
    """Return a painting whose areas are of several colours beside each other, as strokes are."""
    lab = cv2.cvtColor(painted, cv2.COLOR_RGB2LAB).astype(np.float32)
    stroke_px, _ = rng.uniform(*_STROKE_PX, 2)
    for channel, levels in enumerate(_BROKEN_LEVELS):
        field = rng.standard_normal(lab.shape[:2]).astype(np.float32)
        field = np.asarray(cv2.GaussianBlur(field, (0, 0), float(stroke_px)))
        lab[..., channel] += rng.uniform(0, levels) * field / (field.std() + 1e-6)
    return np.asarray(cv2.cvtColor(to_bytes(lab), cv2.COLOR_LAB2RGB), np.uint8)


def _varied(photo: Picture, rng: Rng) -> Picture:
    """Return a photo as photos come: cut, cut out on a page, grey, soft, grainy."""
    varied = _cropped(photo, rng)
    if rng.random() < _CUT_OUT_SHARE:
        mask = cv2.GaussianBlur(subject_mask(varied), (0, 0), 1.0)[..., None] / 255
        page = 255.0 if rng.random() < _WHITE_PAGE_SHARE else rng.uniform(0, 255, 3)
        varied = np.asarray(varied * mask + page * (1 - mask), np.uint8)
    if rng.random() < _GREY_SHARE:
        varied = np.repeat(cv2.cvtColor(varied, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    if rng.random() < _BLURRED_SHARE:
        varied = np.asarray(cv2.GaussianBlur(varied, (0, 0), rng.uniform(0.4, 2)), np.uint8)
    elif rng.random() < _GRAIN_SHARE:
        grain = rng.normal(0, rng.uniform(1, 10), varied.shape)
        varied = np.clip(varied + grain, 0, 255).astype(np.uint8)
    return varied


def _cropped(photo: Picture, rng: Rng) -> Picture:
    if rng.random() >= _CROPPED_SHARE:
        return photo
    sides = [max(64, int(side * rng.uniform(0.4, 1))) for side in photo.shape[:2]]
    y, x = (
        int(rng.integers(max(1, have - side + 1)))
        for have, side in zip(photo.shape, sides, strict=False)
    )
    return np.ascontiguousarray(photo[y : y + sides[0], x : x + sides[1]])


def _example(pixels: Picture, kind: str, medium: Medium, rng: Rng) -> MediumExample:
    """Return what is seen of a picture that was saved again, as most were."""
    saved = _sized(pixels, rng, _SAVED_PX)
    if rng.random() < _JPEG_SHARE:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(*_JPEG_QUALITY))]
        _, data = cv2.imencode(".jpg", saved, quality)
        saved = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return MediumExample(statistics.features(saved), kind, medium)


def _sized(pixels: Picture, rng: Rng, longest_px: tuple[int, int]) -> Picture:
    factor = float(rng.uniform(*longest_px)) / max(pixels.shape[:2])
    height, width = (max(1, round(side * factor)) for side in pixels.shape[:2])
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=how), np.uint8)


def _read(path: Path) -> Picture:
    return np.asarray(decode(path.read_bytes(), max_pixels=MAX_PIXELS))
