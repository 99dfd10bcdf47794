"""Which way up a picture is stored, by its EXIF tag, and how to turn it upright."""

from PIL import ExifTags, Image

# Source: Exif 2.32, 4.6.4 A, tag Orientation; 1 is upright already. Pillow's own `exif_transpose`
# also writes the tags anew, which fails on the odd ones that many cameras leave.
_TURN_BY_ORIENTATION = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SWAPPING_SIDES = frozenset(_TURN_BY_ORIENTATION[orientation] for orientation in (5, 6, 7, 8))


# Where Pillow looks for an orientation that EXIF does not state. Browsers and phones do not, so
# that a picture which says it in XMP alone is seen as it is stored.
_XMP = ("xmp", "XML:com.adobe.xmp")


def forget_xmp(image: Image.Image) -> None:
    """Let a picture that was opened, and not decoded yet, be turned by its EXIF alone."""
    stated = [image.info.pop(name, None) for name in _XMP]
    if not any(stated) or image.format == "TIFF":  # whose tags are not read yet
        return
    try:
        own = Image.Exif()
        own.load(image.info.get("exif", b""))
        if ExifTags.Base.Orientation not in own:
            image.getexif().pop(ExifTags.Base.Orientation, None)
    except Exception:  # noqa: BLE001 - damaged metadata says nothing; the pixels are still good
        return


def turn_upright(image: Image.Image) -> Image.Transpose | None:
    """Return what turns a stored picture upright; None where it is, or does not say."""
    try:
        return turn_for(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # noqa: BLE001 - damaged metadata says nothing; the pixels are still good
        return None


def turn_for(orientation: int) -> Image.Transpose | None:
    """Return what a value of the tag asks for; None where it is none, or asks for nothing."""
    return _TURN_BY_ORIENTATION.get(orientation)


def turned(image: Image.Image, turn: Image.Transpose | None) -> Image.Image:
    """Return a picture after a turn; itself where there is none."""
    return image if turn is None else image.transpose(turn)


def turned_size(size: tuple[int, int], turn: Image.Transpose | None) -> tuple[int, int]:
    """Return the width and height, in pixels, that a picture of `size` has after a turn."""
    return size[::-1] if turn in _SWAPPING_SIDES else size


def without_metadata(image: Image.Image) -> Image.Image:
    """Return the same picture, which says nothing of itself any more.

    Pillow keeps a tag that it has obeyed, so that whoever saves a picture or predicts from it would
    turn it once more; a profile that was applied would be applied again.
    """
    image.info.clear()
    return image
