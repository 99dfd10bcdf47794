"""Picture files to upright RGB pixels, with nothing believed that a file says about itself."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from pillow_heif import HeifImageFile
from pillow_heif import is_supported as is_heif

from ml.errors import TooManyPixels, UndecodableImage

# HEIC is not in this list because it is opened by its own class below: registering it with Pillow
# would change what every other `Image.open` of the process accepts.
PILLOW_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")

_ORIENTATION_TAG = 0x0112
# Source: Exif 2.32, 4.6.4 A, tag Orientation; 1 is upright already.
_UPRIGHT_BY_ORIENTATION = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


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
        return _to_rgb(_to_upright(image))
    except MemoryError:
        raise
    except Exception as err:  # decoders raise any type on damaged bytes
        raise UndecodableImage(
            f"The {image.format} picture is damaged: {err}", format=image.format
        ) from err


def _open(data: bytes, *, max_pixels: int) -> Image.Image:
    """Read the header only."""
    try:
        try:
            return Image.open(BytesIO(data), formats=PILLOW_FORMATS)
        except UnidentifiedImageError:
            # Second, because AVIF lies in the same container and HEIC's library cannot decode it.
            if is_heif(BytesIO(data)):
                heif: Image.Image = HeifImageFile(BytesIO(data))  # type: ignore[no-untyped-call]
                return heif
            raise
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


def _to_upright(image: Image.Image) -> Image.Image:
    try:
        operation = _UPRIGHT_BY_ORIENTATION.get(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # noqa: BLE001 - damaged metadata says nothing; the pixels are still good
        return image
    return image if operation is None else image.transpose(operation)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode[0] in "IF":
        return _to_8_bit(np.asarray(image)).convert("RGB")
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        white.alpha_composite(image.convert("RGBA"))
        return white.convert("RGB")
    return image.convert("RGB")


def _to_8_bit(samples: NDArray[np.generic]) -> Image.Image:
    """Scale (H, W) greyscale samples of 16 or 32 bits to 8 bits; Pillow itself would clip them."""
    if samples.dtype.kind == "u":  # mode I;16; the 32-bit modes I and F are signed and float
        rounded = (samples.astype(np.uint32) + 128) // 257  # 65535 = 255 × 257
        return Image.fromarray(rounded.astype(np.uint8))
    values = samples.astype(np.float64)
    values[~np.isfinite(values)] = 0.0
    low, high = _value_range(values, may_be_unit=samples.dtype.kind == "f")
    return Image.fromarray(np.rint((values - low) * (255.0 / (high - low))).astype(np.uint8))


def _value_range(values: NDArray[np.float64], *, may_be_unit: bool) -> tuple[float, float]:
    """Return what stands for black and for white: 32-bit samples do not say how they are scaled.

    The first usual range that holds them all is taken, and their own extremes where none does.
    """
    low, high = float(values.min()), float(values.max())
    for ceiling in (1.0, 255.0, 65535.0) if may_be_unit else (255.0, 65535.0):
        if low >= 0.0 and high <= ceiling:
            return 0.0, ceiling
    return low, max(high, low + 1.0)
