"""Which frame of an animation stands for it: the first that shows something.

Many fade in from an empty one, and an animated PNG may have a still of its own that no browser
shows.
"""

from collections.abc import Iterator

import numpy as np
from PIL import Image

from ml.rules.rgb import rendering_of, strips, to_rgb

# They have other views or pictures behind the one that is meant.
_OF_SEVERAL_VIEWS = ("MPO", "HEIF")
# So many frames, and pixels, are decoded at most to find the one that is shown.
_MAX_FRAMES, _MAX_DECODED_PIXELS = 50, 200_000_000
# Levels of 255 between the darkest and the lightest value of a colour: more than compression adds.
_MAX_BLANK_LEVELS = 16
_WORK_SIZE = (64, 64)
# A frame has to have so much more contrast than the one before it to be a further step of a fade.
_MIN_GAIN = 1.02


def shown_frame(image: Image.Image) -> Image.Image:
    """Return the frame of an opened picture that is shown, decoded.

    It is the first that is not all of one colour, and where the contrast grows from there, the
    frame where that ends. If all are blank, or further ones are damaged, it is the first.
    """
    first = 1 if getattr(image, "default_image", False) else 0  # a PNG's still is none of them
    if first:
        image.seek(first)
    image.load()
    may_move = image.format == "GIF" or getattr(image, "n_frames", 1) > 1
    if image.format in _OF_SEVERAL_VIEWS or not may_move or not is_blank(image):
        return image
    best, most = image.copy(), 0.0
    for frame in _further_frames(image, first):
        if most == 0.0 and is_blank(frame):
            continue
        contrast = _contrast(frame)
        if contrast < most * _MIN_GAIN:
            break
        best, most = frame.copy(), contrast
    best.format = image.format
    return best


def is_blank(image: Image.Image) -> bool:
    """Return whether a decoded picture shows one colour only, as it is seen."""
    rendering = rendering_of(image)
    low, high = np.full(3, 255), np.zeros(3)
    for strip in strips(image):
        extremes = np.array(to_rgb(strip, rendering).getextrema())
        low, high = np.minimum(low, extremes[:, 0]), np.maximum(high, extremes[:, 1])
        if (high - low).max() > _MAX_BLANK_LEVELS:
            return False
    return True


def _further_frames(image: Image.Image, first: int) -> Iterator[Image.Image]:
    """Yield the frames behind the first, decoded, as far as they are looked at and undamaged."""
    most = min(_MAX_FRAMES, _MAX_DECODED_PIXELS // (image.width * image.height))
    for number in range(first + 1, first + 1 + most):
        try:
            image.seek(number)
            image.load()
        except Exception:  # noqa: BLE001 - the end, or a damaged frame: what was seen is enough
            return
        yield image


def _contrast(frame: Image.Image) -> float:
    """Return by how much the brightness of a frame's parts differs: a standard deviation."""
    return float(np.asarray(to_rgb(frame).convert("L").resize(_WORK_SIZE)).std())
