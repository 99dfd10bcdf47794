"""What a picture is made of, by the names under which messages and answers know it."""

from enum import StrEnum


class Layout(StrEnum):
    """Whether a picture is one photo, or shows several; a comic's panels may be slanted."""

    SINGLE = "single"
    COLLAGE = "collage"
    SCREENSHOT = "screenshot"
    COMIC = "comic"
