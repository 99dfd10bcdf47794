"""What a transparent picture is laid on: white, or black where white would show nothing."""

from collections.abc import Iterable

from PIL import Image

Ground = tuple[int, int, int]
WHITE: Ground = (255, 255, 255)
BLACK: Ground = (0, 0, 0)

# Less of 255 is not seen as part of the picture.
_MIN_ALPHA = 16
# Luma from which something can hardly be seen on white.
_LIGHT = 224
# Of the pixels that are seen: so many darker ones are enough to show the picture on white.
_MIN_DARK_SHARE = 0.02


def ground_for(visible: Iterable[Image.Image]) -> Ground:
    """Return the colour that a picture is laid on, the same for each part of it.

    White, as pages are, unless almost all that is seen is as good as white: a logo made for dark
    pages, say.

    Args:
        visible: the picture, whole or in strips, RGBA.
    """
    dark = light = 0
    for strip in visible:
        alpha = strip.getchannel("A").point(_seen)
        counts = strip.convert("RGB").convert("L").histogram(alpha)
        dark, light = dark + sum(counts[:_LIGHT]), light + sum(counts[_LIGHT:])
    return BLACK if light and dark < _MIN_DARK_SHARE * (dark + light) else WHITE


def _seen(alpha: int) -> int:
    return 255 if alpha >= _MIN_ALPHA else 0
