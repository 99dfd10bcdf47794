"""A fixed picture: whoever embeds it as before embeds every other picture as before."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.encoders.base import Encoder

_WIDTH_PX, _HEIGHT_PX = 320, 240
# Cosines between two embeddings of the picture. Another CPU rounds in another order (.99998 was
# seen); other weights, or other pixels, are far below both.
MIN_COSINE = 0.9999
# bfloat16 against float32: .9985 was seen.
MIN_COSINE_TO_OTHER_PRECISION = 0.99


def embed(encoder: Encoder) -> NDArray[np.float32]:
    """Return the (D,) embedding of the fixed picture."""
    embedding: NDArray[np.float32] = encoder.encode([picture()])[0]
    return embedding


def picture() -> Image.Image:
    """Return the picture, RGB: slow waves of colour, a chequered disc and a few bars."""
    y, x = np.mgrid[0:_HEIGHT_PX, 0:_WIDTH_PX]
    # Whole numbers all the way, so that every machine has the same pixels.
    pixels = np.stack([(x * 255) // _WIDTH_PX, (y * 255) // _HEIGHT_PX, (x * y) % 256], axis=2)
    disc = (x - 110) ** 2 + (y - 120) ** 2 < 70**2
    pixels[disc] = np.where(((x // 14 + y // 14) % 2)[disc, None] == 1, (230, 40, 30), (20, 60, 90))
    pixels[40:200, 220:300] = np.where((x // 8 % 2)[40:200, 220:300, None] == 1, 245, 25)
    return Image.fromarray(pixels.astype(np.uint8))
