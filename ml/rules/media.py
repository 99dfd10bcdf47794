"""How a picture was made."""

from enum import StrEnum


class Medium(StrEnum):
    """How a picture was made; the values are those of `catalog.models.Image.Medium`."""

    UNKNOWN = "unknown"
    PHOTO = "photo"
    PAINTING = "painting"
    DRAWING = "drawing"  # a cartoon, a sketch, or drawn in another way
    CARTOON = "cartoon"  # flat colours, clip art too
    SKETCH = "sketch"  # lines on paper
    RENDER = "render"
