"""Pages of TIFFs that Pillow misreads or does not open, above all those of more than 8 bits.

Pillow 13.0 reads 16-bit planes as noise, 16-bit MINISWHITE as a negative and 12 bits as black, and
opens neither float RGB nor BigTIFFs of the other byte order.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.rules.refusals import PictureRefused, Refusal
from ml.rules.tiff_directories import TiffDirectory, TiffTag
from ml.rules.tiff_segments import (
    MAX_SAMPLES,
    SampleBlock,
    SampleFormat,
    sample_blocks,
    sample_format_of,
)
from ml.rules.tones import Tones, finite, to_8_bits, tones_between

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK = 0, 1, 2, 3, 5
_COLOURS = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, _PALETTE: 1, _CMYK: 4}
_ASSOCIATED, _UNASSOCIATED, _NO_ALPHA = 1, 2, 0
# By the number of colours and the kind of transparency.
_MODES = {
    **{(1, _NO_ALPHA): "L", (3, _NO_ALPHA): "RGB", (4, _NO_ALPHA): "CMYK"},
    **{(1, _ASSOCIATED): "La", (1, _UNASSOCIATED): "LA"},
    **{(3, _ASSOCIATED): "RGBa", (3, _UNASSOCIATED): "RGBA"},
}
_BYTE = 8
_FULL_WORD = 16


@dataclass(frozen=True, slots=True)
class _SampleMeaning:
    """What the samples of a page mean.

    Attributes:
        stored: how they are stored.
        photometric: TIFF's number for the kind of colours.
        colours: how many samples of a pixel, the first ones, are colours.
        alpha: which sample is transparency; None is none.
        alpha_kind: `_ASSOCIATED`, `_UNASSOCIATED` or `_NO_ALPHA`.
    """

    stored: SampleFormat
    photometric: int
    colours: int
    alpha: int | None
    alpha_kind: int

    @property
    def shown(self) -> tuple[int, ...]:
        """The samples that are shown, in the order of the picture's channels."""
        return (*range(self.colours), *(() if self.alpha is None else (self.alpha,)))


def is_readable(directory: TiffDirectory) -> bool:
    """Return whether `read_samples` reads pages of this kind; nothing is unpacked."""
    return _page_of(directory) is not None


def read_samples(data: bytes, directory: TiffDirectory) -> Image.Image:
    """Return a page as it is stored, not turned, 8 bits a sample.

    Its mode is L, La, LA, RGB, RGBa, RGBA, CMYK or P. All colours are scaled alike, as
    `ml.rules.tones` says; samples beyond colours and transparency are left out.

    Raises:
        PictureRefused: of a kind that is not read, or damaged.
    """
    page = _page_of(directory)
    if page is None:
        raise PictureRefused(Refusal.UNSUPPORTED, "This kind of TIFF is not read.")
    tones = _tones(data, directory, page)
    mode = _MODES[page.colours, page.alpha_kind]
    # Planes are put together at the end; everything else is written where it belongs at once.
    modes = ["L"] * len(page.shown) if page.stored.is_planar else [mode]
    layers = [Image.new(each, directory.size) for each in modes]
    for block in sample_blocks(data, directory, page.stored, wanted=frozenset(page.shown)):
        layer = layers[page.shown.index(block.sample) if page.stored.is_planar else 0]
        scaled = _scaled(block, page, tones, directory.size)
        rows, columns = scaled.shape[:2]
        part = Image.frombuffer(layer.mode, (columns, rows), scaled, "raw", layer.mode, 0, 1)
        layer.paste(part, (block.x, block.y))
    image = Image.merge(mode, layers) if page.stored.is_planar else layers[0]
    if page.photometric == _PALETTE:
        image.putpalette(palette_of(directory))
    return image


def palette_of(directory: TiffDirectory) -> bytes:
    """Return a page's palette as red, green and blue bytes in turn.

    Colours run to 65,535 by the standard; where none is over 255, a writer meant bytes.
    """
    colours = directory.numbers(TiffTag.COLOUR_MAP)
    colours = colours[: 3 * (colours.size // 3)].reshape(3, -1)[:, :256]
    if colours.max(initial=0) > 255:  # noqa: PLR2004 - more than a byte
        colours = colours // 257
    return colours.T.astype(np.uint8).tobytes()


def _page_of(directory: TiffDirectory) -> _SampleMeaning | None:
    """Return what a page's samples mean; None where it is not read here."""
    stored = sample_format_of(directory)
    photometric = directory.number(TiffTag.PHOTOMETRIC, _WHITE_IS_ZERO)
    colours = _COLOURS.get(photometric, MAX_SAMPLES + 1)
    if stored is None or colours > stored.samples:
        return None
    if photometric == _PALETTE and (stored.bits > _BYTE or stored.dtype.kind != "u"):
        return None
    alpha, alpha_kind = None, _NO_ALPHA
    if photometric not in (_PALETTE, _CMYK):
        alpha, alpha_kind = _alpha(directory, colours, stored.samples)
    return _SampleMeaning(stored, photometric, colours, alpha, alpha_kind)


def _alpha(directory: TiffDirectory, colours: int, samples: int) -> tuple[int | None, int]:
    """Return which sample is transparency, and of which kind."""
    extra = directory.numbers(TiffTag.EXTRA_SAMPLES)[:MAX_SAMPLES].tolist()
    if not extra and colours == _COLOURS[_RGB] and samples == colours + 1:
        return colours, _UNASSOCIATED  # many writers of RGBA do not say so
    for sample, kind in enumerate(extra, start=colours):
        if kind in (_ASSOCIATED, _UNASSOCIATED) and sample < samples:
            return sample, kind
    return None, _NO_ALPHA


def _tones(data: bytes, directory: TiffDirectory, page: _SampleMeaning) -> dict[int, Tones]:
    """Return the tones of each shown sample; the same for all colours."""
    stored = page.stored
    if page.photometric == _PALETTE:
        return {0: Tones(0.0, 255.0)}
    if stored.dtype.kind == "u" and stored.bits < _FULL_WORD:  # the file says how many are used
        return dict.fromkeys(page.shown, Tones(0.0, float(2**stored.bits - 1)))
    lows, highs = dict.fromkeys(page.shown, np.inf), dict.fromkeys(page.shown, -np.inf)
    for block in sample_blocks(data, directory, stored, wanted=frozenset(page.shown)):
        values = finite(block.values) if stored.dtype.kind == "f" else block.values
        for channel in range(values.shape[2]):
            sample = block.sample + channel
            if sample in lows:
                lows[sample] = min(lows[sample], float(values[..., channel].min()))
                highs[sample] = max(highs[sample], float(values[..., channel].max()))
    colours = page.shown[: page.colours]
    low, high = min(lows[each] for each in colours), max(highs[each] for each in colours)
    tones = dict.fromkeys(colours, tones_between(low, high, stored.dtype))
    if page.alpha is not None:
        tones[page.alpha] = tones_between(lows[page.alpha], highs[page.alpha], stored.dtype)
    return tones


def _scaled(
    block: SampleBlock, page: _SampleMeaning, tones: dict[int, Tones], size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Return those of a block's samples that are shown and lie on the page: (H, W, C) levels."""
    inside = block.values[: size[1] - block.y, : size[0] - block.x]
    scaled = []
    for sample in page.shown:
        channel = sample - block.sample
        if 0 <= channel < inside.shape[2]:
            levels = to_8_bits(inside[..., channel], tones[sample])
            is_inverted = page.photometric == _WHITE_IS_ZERO and sample < page.colours
            scaled.append(255 - levels if is_inverted else levels)
    return np.stack(scaled, axis=-1)
