"""Picture files to upright RGB pixels, with nothing believed that a file says about itself."""

from PIL import Image, UnidentifiedImageError

from ml.errors import TooManyPixels, UndecodableImage
from ml.rules.opening import open_picture
from ml.rules.orientation import turn_upright, turned
from ml.rules.rgb import to_rgb


def decode(data: bytes, *, max_pixels: int, min_side_px: int | None = None) -> Image.Image:
    """Return the picture in a file's bytes as upright RGB, 8 bits a channel.

    JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC and AVIF are read, told apart by their bytes; of several
    frames or pages the first. EXIF orientation is applied, transparency is laid on white, CMYK and
    palettes become RGB, deeper samples are scaled to 8 bits.

    Args:
        data: the whole file.
        max_pixels: largest declared width × height that is decoded at all. Pillow's own ceiling
            (twice `PIL.Image.MAX_IMAGE_PIXELS`, 179 million) holds beside it.
        min_side_px: None decodes at full size. A number lets a JPEG be decoded at 1/2, 1/4 or 1/8
            of its size, which is several times faster, as long as its short side stays at least
            that long.

    Raises:
        TooManyPixels: the file declares more than `max_pixels`; no pixel was decoded.
        UndecodableImage: no picture, none of these formats, or damaged or cut short.
    """
    image = _open(data, max_pixels=max_pixels)
    width, height = image.size
    if width * height > max_pixels:
        raise TooManyPixels(
            f"The picture has {width} × {height} pixels, more than the {max_pixels} allowed.",
            width=width,
            height=height,
            max_pixels=max_pixels,
        )
    try:
        if min_side_px is not None and image.format in ("JPEG", "MPO"):
            image.draft(None, (min_side_px, min_side_px))
        image.load()
        return to_rgb(turned(image, turn_upright(image)))
    except MemoryError:
        raise
    except Exception as err:  # decoders raise any type on damaged bytes
        raise UndecodableImage(
            f"The {image.format} picture is damaged: {err}", format=image.format
        ) from err


def _open(data: bytes, *, max_pixels: int) -> Image.Image:
    """Read the header only."""
    try:
        return open_picture(data)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as err:
        # The warning is an exception only where Python is told to make it one (-W error).
        raise TooManyPixels(
            f"The picture declares far more pixels than the {max_pixels} allowed.",
            max_pixels=max_pixels,
        ) from err
    except UnidentifiedImageError as err:
        raise UndecodableImage("The file is not a picture of a format that is read.") from err
    except MemoryError:
        raise
    except Exception as err:  # parsers of headers do, too
        raise UndecodableImage(f"The picture's header is damaged: {err}") from err
