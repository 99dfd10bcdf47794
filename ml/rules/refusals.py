"""Why a file is not taken as a picture: the reasons that the web and the models share."""

from enum import StrEnum


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
