"""Pages that show another page in less detail, without saying so: previews and pyramids."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Of the larger page's width; pyramids halve, previews are smaller still.
_MAX_SIDE_SHARE = 0.75
# The mean difference of two small grey pictures, levels of 255.
_MAX_LEVELS = 6.0
_WORK_SIZE = (32, 32)


def without_previews(
    sizes: Sequence[tuple[int, int]], picture_of: Callable[[int], Image.Image]
) -> list[int]:
    """Return which pages are no smaller copies of others, in their order.

    Args:
        sizes: width and height of each page, upright.
        picture_of: decodes a page, RGB; asked only of pages of like shapes and unlike sizes.
    """
    seen: dict[int, NDArray[np.float32]] = {}

    def look(page: int) -> NDArray[np.float32]:
        if page not in seen:
            small = picture_of(page).convert("L").resize(_WORK_SIZE, Image.Resampling.BOX)
            seen[page] = np.asarray(small, np.float32)
        return seen[page]

    return [
        page
        for page, size in enumerate(sizes)
        if not any(
            _is_smaller(size, larger) and np.abs(look(page) - look(other)).mean() <= _MAX_LEVELS
            for other, larger in enumerate(sizes)
        )
    ]


def _is_smaller(size: tuple[int, int], larger: tuple[int, int]) -> bool:
    """Return whether a page is much smaller than another of the same shape, but for rounding."""
    scale = size[0] / larger[0]
    return scale <= _MAX_SIDE_SHARE and abs(larger[1] * scale - size[1]) <= 1
