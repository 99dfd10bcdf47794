"""Which colours a picture's numbers mean: its profile, or what a PNG says of its gamma, as sRGB.

A picture without either is in sRGB. What is broken, absurd, too large, or belongs to another kind
of pixels is passed over with a line in the log, and the numbers are taken for sRGB, as viewers do.
"""

import logging
import struct
from collections.abc import Sequence
from functools import lru_cache
from io import BytesIO
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

logger = logging.getLogger(__name__)

# The profiles of presses have 2 MB; profiles are kept a while, so larger ones are passed over.
_MAX_PROFILE_BYTES = 4_000_000
# Levels of 255: what moves no colour by more is sRGB under another name.
_HARDLY_LEVELS = 2
# Source: IEC 61966-2-1; white, red, green and blue, x and y of each.
_SRGB_CHROMATICITIES = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
_USUAL_GAMMA, _GAMMA_TOLERANCE, _CHROMATICITY_TOLERANCE = 1 / 2.2, 0.05, 0.01
_MIN_GAMMA, _MAX_GAMMA = 0.1, 10.0
# Source: ICC.1:2022, 7.2.16, the white of the connection space, D50; annex E, Bradford's matrix.
_D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
# What numbers a profile is about, by the modes of pictures that have such numbers.
_SPACES = {"RGB": "RGB ", "RGBA": "RGB ", "CMYK": "CMYK", "L": "GRAY"}


def profile_of(image: Image.Image) -> bytes:
    """Return the profile that says what a picture's numbers mean; empty where they are sRGB.

    Args:
        image: as opened. Its own profile counts before a PNG's sRGB, gAMA and cHRM.
    """
    profile = image.info.get("icc_profile")
    if profile and len(profile) > _MAX_PROFILE_BYTES:
        logger.warning("colour profile passed over", extra={"profile_bytes": len(profile)})
        return b""
    if profile:
        return bytes(profile)
    gamma, primaries = image.info.get("gamma"), image.info.get("chromaticity")
    if image.format != "PNG" or "srgb" in image.info or not (gamma or primaries):
        return b""
    if gamma and not _MIN_GAMMA <= gamma <= _MAX_GAMMA:
        logger.warning("gamma passed over", extra={"gamma": gamma})
        return b""
    return _png_profile(gamma or _USUAL_GAMMA, tuple(primaries or _SRGB_CHROMATICITIES))


def in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Return a picture, or a part of one, in sRGB, by what `profile_of` returned.

    Args:
        image: RGB, RGBA, CMYK, L or LA. Transparency stays as it is.
        profile: empty changes nothing.

    Returns:
        RGB or RGBA; the same picture where the profile is passed over or changes hardly anything.
    """
    if not profile:
        return image
    if image.mode == "LA":
        grey, alpha = image.split()
        coloured = in_srgb(grey, profile).convert("RGB")
        coloured.putalpha(alpha)
        return coloured
    if image.mode == "L" and _transform(profile, "L") is None:
        image = image.convert("RGB")  # greys in a profile of RGB, as many writers leave them
    transform = _transform(profile, image.mode)
    return image if transform is None else _applied(image, transform)


@lru_cache(maxsize=16)  # the same few profiles are in most files
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return what turns pixels of a mode into sRGB; None where there is nothing to do."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if source.profile.xcolor_space != _SPACES.get(mode):
            logger.info("colour profile of other pixels", extra={"mode": mode})
            return None
        target = "RGBA" if mode == "RGBA" else "RGB"
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, target)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        logger.warning("colour profile passed over", extra={"reason": str(error)})
        return None
    return None if _changes_hardly_anything(transform, mode) else transform


def _changes_hardly_anything(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Return whether a transform leaves all of 729 RGB colours almost where they are."""
    if mode not in ("RGB", "RGBA"):
        return False
    levels = np.linspace(0, 255, 9).astype(np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(27, 27, 3)
    probe = Image.fromarray(cube).convert(mode)
    moved = np.asarray(_applied(probe, transform))[..., :3].astype(np.int16) - cube
    return int(np.abs(moved).max()) <= _HARDLY_LEVELS


def _applied(image: Image.Image, transform: ImageCms.ImageCmsTransform) -> Image.Image:
    # Without a result only where it is asked to change the picture in place.
    return cast(Image.Image, ImageCms.applyTransform(image, transform))


# ---- A PNG's gamma and chromaticities, as a profile


@lru_cache(maxsize=16)
def _png_profile(gamma: float, chromaticities: tuple[float, ...]) -> bytes:
    """Return a profile for a PNG's gAMA (as 1/2.2) and cHRM (white, red, green, blue; x and y).

    Empty where both are about those of sRGB, or the primaries are impossible.
    """
    are_srgb = np.allclose(chromaticities, _SRGB_CHROMATICITIES, atol=_CHROMATICITY_TOLERANCE)
    if are_srgb and abs(gamma / _USUAL_GAMMA - 1) <= _GAMMA_TOLERANCE:
        return b""
    try:
        return _matrix_profile(_primaries_in_d50(chromaticities), 1 / gamma)
    except (np.linalg.LinAlgError, ZeroDivisionError, struct.error, ValueError) as error:
        logger.warning("chromaticities passed over", extra={"reason": str(error)})
        return b""


def _primaries_in_d50(chromaticities: Sequence[float]) -> NDArray[np.float64]:
    """Return XYZ of red, green and blue, (3, 3) columns, seen under D50.

    Source: Lindbloom, "RGB/XYZ Matrices" and "Chromatic Adaptation".
    """
    white, *primaries = (
        np.array([x / y, 1.0, (1 - x - y) / y])
        for x, y in zip(chromaticities[::2], chromaticities[1::2], strict=True)
    )
    unscaled = np.stack(primaries, axis=1)
    matrix = unscaled * np.linalg.solve(unscaled, white)
    cones = (_BRADFORD @ _D50) / (_BRADFORD @ white)
    adapted: NDArray[np.float64] = np.linalg.inv(_BRADFORD) @ np.diag(cones) @ _BRADFORD @ matrix
    if not np.isfinite(adapted).all():
        raise ValueError("primaries that are no colours")
    return adapted


def _matrix_profile(primaries: NDArray[np.float64], exponent: float) -> bytes:
    """Return an ICC profile of three primaries, XYZ under D50 in columns, and one power curve.

    Source: ICC.1:2001-04 (version 2), 6.1, 6.3.1.2, 6.5.3 and 6.5.26.
    """
    curve = b"curv" + struct.pack(">IIHH", 0, 1, round(exponent * 256), 0)
    colours = (b"XYZ \0\0\0\0" + struct.pack(">3i", *_fixed(xyz)) for xyz in primaries.T)
    text = b"desc" + struct.pack(">II", 0, 5) + b"gAMA\0" + bytes(78 + 1)
    tags = {
        b"desc": text,
        b"cprt": b"text\0\0\0\0none\0\0\0\0",
        b"wtpt": b"XYZ \0\0\0\0" + struct.pack(">3i", *_fixed(_D50)),
        **dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), colours, strict=True)),
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    start, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, value in tags.items():
        table += name + struct.pack(">II", start + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    head = struct.pack(">I4xI", start + len(body), 0x02100000) + b"mntrRGB XYZ " + bytes(12)
    head += b"acsp" + bytes(28) + struct.pack(">3i", *_fixed(_D50))
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def _fixed(numbers: NDArray[np.float64]) -> list[int]:
    """Return numbers with 16 bits behind the point."""
    return [round(number * 65536) for number in numbers.tolist()]
