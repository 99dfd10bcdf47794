"""Why a file is not taken as a picture: the reasons that the web and the models share."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from PIL import Image


class Refusal(StrEnum):
    """One reason a kind; the values end the codes that people are shown."""

    NOT_A_PICTURE = "not-a-picture"  # none of the formats that are read
    UNSUPPORTED = "unsupported-format"  # a picture, of a kind that is not read
    BROKEN = "broken"  # damaged, or so much is missing that it shows little
    TOO_MANY_PIXELS = "too-many-pixels"
    TOO_MANY_FRAMES = "too-many-frames"


class PictureRefused(Exception):
    """A file that is no picture which is read here. Trying again is useless.

    Attributes:
        refusal: why.
        context: the facts behind it, by name.
    """

    def __init__(self, refusal: Refusal, reason: str = "", **context: object) -> None:
        super().__init__(reason or refusal.value)
        self.refusal = refusal
        self.context = context


@contextmanager
def refusing() -> Iterator[None]:
    """Let only PictureRefused out of what makes pixels of a file.

    Parsers, decoders and what turns their pixels into RGB raise any type on damaged bytes.
    """
    try:
        with warnings.catch_warnings():
            # Our own limit on pixels holds; Pillow's is below it only as a warning.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            yield
    except (PictureRefused, MemoryError):
        raise
    except Exception as error:
        reason = f"The picture is damaged: {error or type(error).__name__}"
        raise PictureRefused(Refusal.BROKEN, reason) from error
