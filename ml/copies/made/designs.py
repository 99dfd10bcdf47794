"""Pages of one design with other content: forms, charts, cards, screens, the next shot.

A family draws with two generators: what is the same on all pages of a design (their size, fonts,
colours, frames and headings) comes from the first, what differs from the second.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

Colour = tuple[int, int, int]
Rng = np.random.Generator

_FONTS = (
    *("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSerif.ttf", "DejaVuSerif-Bold.ttf"),
    *("DejaVuSansMono.ttf", "DejaVuSans-Oblique.ttf", "STIXGeneral.ttf", "STIXGeneralBol.ttf"),
    *("cmr10.ttf", "cmss10.ttf", "cmtt10.ttf", ""),
)
_SYLLABLES = [
    "ka",
    "lo",
    "mer",
    "in",
    "sta",
    "vel",
    "dor",
    "an",
    "ti",
    "ruh",
    "pes",
    "gal",
    "on",
    "bri",
    "ex",
    "nou",
    "fam",
    "li",
    "qua",
    "zed",
    "hum",
    "wy",
]
# Levels of 255 between a ground and what is seen on it.
_SEEN = 50
_DARK, _GREY, _PALE = (25, 25, 30), (120, 120, 125), (225, 225, 228)


@dataclass(frozen=True, slots=True)
class DesignPage:
    """A page that is being drawn.

    Attributes:
        image: it.
        pen: draws on it.
        layout: what is the same on all pages of the design.
        content: what differs.
        photos: to be shown on it.
    """

    image: Image.Image
    pen: ImageDraw.ImageDraw
    layout: Rng
    content: Rng
    photos: Sequence[Image.Image]

    @property
    def width(self) -> int:
        """Pixels."""
        return self.image.width

    @property
    def height(self) -> int:
        """Pixels."""
        return self.image.height

    def photo(self, size: tuple[int, int]) -> Image.Image:
        """Return another photo in this size at every call."""
        index = int(self.content.integers(len(self.photos)))
        return ImageOps.fit(self.photos[index], size, Image.Resampling.BICUBIC)

    def write(
        self,
        at: tuple[float, float],
        words: str,
        px: float,
        colour: Colour | None = None,
        *,
        face: int,
    ) -> None:
        """Write words whose upper left corner is given, in one of the fonts."""
        self.pen.text(at, words, font=_font(face, px), fill=colour or _readable(self))

    def ink(self, rng: Rng) -> Colour:
        """Return a colour that can be seen on the page's ground."""
        ground = np.asarray(self.image)[1, 1].mean()
        while True:
            colour = _colour(rng)
            if abs(np.mean(colour) - ground) > _SEEN:
                return colour


Family = Callable[[DesignPage], None]


def draw(
    family: Family, *, layout_seed: int, content_seed: int, photos: Sequence[Image.Image]
) -> Image.Image:
    """Return a page of a family.

    Args:
        family: one of `FAMILIES`.
        layout_seed: the same one gives the same design.
        content_seed: another one gives another content.
        photos: RGB, one or more.
    """
    layout = np.random.default_rng(layout_seed)
    ground = _pale(layout) if layout.random() < 0.6 else _colour(layout)
    size = (int(layout.integers(640, 1100)), int(layout.integers(560, 1100)))
    image = Image.new("RGB", size, ground)
    content = np.random.default_rng(content_seed)
    page = DesignPage(image, ImageDraw.Draw(image), layout, content, photos)
    family(page)
    return image


def letter(page: DesignPage) -> None:
    """A letterhead over other sentences."""
    unit, face, colour = _head(page)
    lines = int(page.content.integers(12, 26))
    for line in range(lines):
        words = _words(page.content, int(page.content.integers(3, 9)))
        page.write((3 * unit, (9 + 1.5 * line) * unit), words, unit * 0.95, face=face)
    page.pen.line((3 * unit, 48 * unit, 37 * unit, 48 * unit), fill=colour, width=2)


def form(page: DesignPage) -> None:
    """Boxes with printed names and other entries."""
    unit, face, _ = _head(page)
    rows, columns = int(page.layout.integers(5, 10)), int(page.layout.integers(1, 3))
    hand = int(page.content.integers(len(_FONTS)))
    ink = page.ink(page.content)
    step = (page.height - 9 * unit) / rows
    for row in range(rows):
        for column in range(columns):
            x, wide = 2 * unit + 37 * unit / columns * column, 36 * unit / columns
            y = 8 * unit + row * step
            page.pen.rectangle((x, y, x + wide, y + step * 0.8), outline=_GREY, width=2)
            page.write((x + 6, y + 2), _words(page.layout, 2), step * 0.22, _GREY, face=face)
            entry = _words(page.content, int(page.content.integers(1, 4)))
            page.write((x + 12, y + step * 0.32), entry, step * 0.33, ink, face=hand)


def certificate(page: DesignPage) -> None:
    """A border and an award; another name and day."""
    colour, face = page.ink(page.layout), _face(page.layout)
    unit = page.width / 40
    for ring in range(int(page.layout.integers(2, 6))):
        rim = (1 + 0.7 * ring) * unit
        box = (rim, rim, page.width - rim, page.height - rim)
        page.pen.rectangle(box, outline=colour, width=3)
    middle = page.height / 2
    page.write(
        (6 * unit, middle - 12 * unit), _words(page.layout, 2), 3.4 * unit, colour, face=face
    )
    page.write((8 * unit, middle - 6 * unit), _words(page.layout, 4), 1.5 * unit, face=face)
    name = _words(page.content, 2)
    page.write((7 * unit, middle - 2.5 * unit), name, 2.8 * unit, face=_face(page.layout))
    page.write((7 * unit, middle + 3 * unit), _words(page.layout, 5), 1.4 * unit, face=face)
    page.write((7 * unit, middle + 7 * unit), _number(page.content), 1.5 * unit, face=face)
    seal = (29 * unit, middle + 4 * unit, 35 * unit, middle + 10 * unit)
    page.pen.ellipse(seal, fill=page.ink(page.layout))


def table(page: DesignPage) -> None:
    """A ruled table of other numbers."""
    rows, columns = int(page.layout.integers(8, 24)), int(page.layout.integers(3, 9))
    face, tint = _face(page.layout), _pale(page.layout)
    wide, high = (page.width - 40) / columns, (page.height - 40) / rows
    for row in range(rows):
        for column in range(columns):
            x, y = 20 + wide * column, 20 + high * row
            fill = tint if row == 0 else None
            page.pen.rectangle((x, y, x + wide, y + high), outline=_GREY, fill=fill)
            rng = page.content if row and column else page.layout
            words = _number(rng) if row and column else _words(rng, 1)
            page.write((x + 6, y + high * 0.2), words, min(high * 0.55, wide / 5), face=face)


def bars(page: DesignPage) -> None:
    """Axes and title; bars, a line or points of other heights."""
    x0, y0, wide, high = _axes(page)
    count, kind = int(page.layout.integers(4, 16)), int(page.layout.integers(3))
    colours = [page.ink(page.layout) for _ in range(3)]
    values = page.content.uniform(0.05, 0.95, count)
    tops = [(x0 + wide * (i + 0.5) / count, y0 - high * value) for i, value in enumerate(values)]
    half = wide / count * 0.32
    for index, (x, y) in enumerate(tops):
        if kind == 0:
            page.pen.rectangle((x - half, y, x + half, y0 - 2), fill=colours[index % 2])
        else:
            page.pen.ellipse((x - 6, y - 6, x + 6, y + 6), fill=colours[2])
    if kind == 1:
        page.pen.line(tops, fill=colours[2], width=4)


def scatter(page: DesignPage) -> None:
    """Axes and title; a cloud of other points."""
    x0, y0, wide, high = _axes(page)
    colour, radius = page.ink(page.layout), float(page.layout.uniform(3, 8))
    count = int(page.layout.integers(40, 200))
    for x, y in page.content.uniform((x0, y0 - high), (x0 + wide, y0), (count, 2)):
        page.pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def pie(page: DesignPage) -> None:
    """A title, a legend and a pie of other shares."""
    unit, face, _ = _head(page)
    colours = [page.ink(page.layout) for _ in range(int(page.layout.integers(3, 7)))]
    ends = np.cumsum(page.content.dirichlet(np.ones(len(colours)))) * 360
    box = (3 * unit, 10 * unit, 25 * unit, 32 * unit)
    for index, (start, end) in enumerate(zip((0, *ends), ends, strict=False)):
        page.pen.pieslice(box, float(start), float(end), fill=colours[index])
        y = (12 + 2.5 * index) * unit
        page.pen.rectangle((28 * unit, y, 29.5 * unit, y + 1.5 * unit), fill=colours[index])
        page.write((30.5 * unit, y), _words(page.layout, 1), 1.3 * unit, face=face)


def board(page: DesignPage) -> None:
    """A puzzle's grid with other numbers or letters in some cells."""
    cells, face = int(page.layout.choice((6, 9, 12))), _face(page.layout)
    heavy, is_crossword = int(page.layout.choice((2, 3))), page.layout.random() < 0.3
    side = (min(page.width, page.height) - 40) / cells
    signs = "ABCDEFGHIKLMNOPRSTU" if is_crossword else "123456789"
    for row, column in np.ndindex(cells, cells):
        x, y = 20 + side * column, 20 + side * row
        if is_crossword and page.content.random() < 0.2:
            page.pen.rectangle((x, y, x + side, y + side), fill=_readable(page))
        elif page.content.random() < 0.4:
            sign = str(page.content.choice(list(signs)))
            page.write((x + side * 0.28, y + side * 0.14), sign, side * 0.6, face=face)
    for line in range(cells + 1):
        at, width = 20 + side * line, 4 if line % heavy == 0 else 1
        page.pen.line((at, 20, at, 20 + side * cells), fill=_readable(page), width=width)
        page.pen.line((20, at, 20 + side * cells, at), fill=_readable(page), width=width)


def calendar(page: DesignPage) -> None:
    """Weekdays and another month's days."""
    face, colour = _face(page.layout), page.ink(page.layout)
    wide, high = page.width / 7.6, page.height / 8
    name = _words(page.content, 1).upper()
    page.write((page.width * 0.3, high * 0.1), name, high * 0.6, colour, face=face)
    for day in range(7):
        page.write((wide * (day + 0.4), high), "MTWTFSS"[day], high * 0.4, face=face)
    first = int(page.content.integers(7))
    for day in range(int(page.content.integers(28, 32))):
        row, column = divmod(day + first, 7)
        at = (wide * (column + 0.35), high * (1.9 + row))
        page.write(at, str(day + 1), high * 0.42, colour if column > 4 else None, face=face)


def receipt(page: DesignPage) -> None:
    """A shop's name and thanks around other goods and prices."""
    unit, face = page.width / 24, int(page.layout.choice((4, 10)))
    page.write((5 * unit, unit), _words(page.layout, 2).upper(), 1.7 * unit, face=face)
    count = int(page.content.integers(6, 16))
    for line in range(count):
        y = (4 + 1.6 * line) * unit
        page.write((unit, y), _words(page.content, 1), unit, face=face)
        page.write((17 * unit, y), _number(page.content)[-5:], unit, face=face)
    foot = page.height - 4 * unit
    page.write((unit, foot), "TOTAL " + _number(page.content)[-6:], 1.4 * unit, face=face)
    page.write((3 * unit, foot + 2 * unit), _words(page.layout, 4), unit, face=face)


def frame(page: DesignPage) -> None:
    """An advertiser's frame around another photo."""
    face, light = _face(page.layout), _pale(page.layout)
    wide, high = int(page.width * page.layout.uniform(0.5, 0.8)), int(page.height * 0.55)
    x, y = (page.width - wide) // 2, int(page.height * page.layout.uniform(0.15, 0.25))
    page.image.paste(page.photo((wide, high)), (x, y))
    unit = page.width / 40
    page.write((2 * unit, unit), _words(page.layout, 3).upper(), 2.4 * unit, light, face=face)
    band = (unit, y + high + unit, page.width - unit, page.height - unit)
    page.pen.rectangle(band, fill=light)
    words = _words(page.layout, 3).upper()
    page.write((2 * unit, y + high + 2 * unit), words, 2.5 * unit, _colour(page.layout), face=face)
    sides = int(page.layout.integers(3, 8))
    for step in range(int(page.layout.integers(4, 14))):
        for at in (unit * 1.5, page.width - unit * 1.5):
            page.pen.regular_polygon((at, y + 2.6 * unit * step, unit), sides, fill=light)


def card(page: DesignPage) -> None:
    """A card of one kind with another photo and sentence."""
    face, accent = _face(page.layout), page.ink(page.layout)
    unit = page.width / 40
    side = int(unit * page.layout.uniform(12, 20))
    page.image.paste(page.photo((side, side)), (int(2 * unit), int(2 * unit)))
    frame_box = (side + 4 * unit, 2 * unit, page.width - 2 * unit, side + 2 * unit)
    page.pen.rectangle(frame_box, outline=accent, width=6)
    label = _words(page.layout, 2).upper()
    page.write((side + 5 * unit, side * 0.5), label, 2 * unit, accent, face=face)
    for line in range(3):
        words = _words(page.content, int(page.content.integers(2, 5)))
        at = (2 * unit, side + (4 + 3.2 * line) * unit)
        page.write(at, words, 2.4 * unit, _readable(page), face=face)
    page.write((2 * unit, page.height - 3 * unit), _words(page.layout, 4), 1.3 * unit, face=face)


def slide(page: DesignPage) -> None:
    """A master's band, logo and foot; other points and perhaps another picture."""
    unit, face, colour = _head(page)
    page.pen.rectangle((0, page.height - 2.4 * unit, page.width, page.height), fill=colour)
    foot = _words(page.layout, 4)
    page.write((unit, page.height - 2 * unit), foot, unit, (255, 255, 255), face=face)
    for line in range(int(page.content.integers(2, 7))):
        y = (11 + 3 * line) * unit
        page.pen.ellipse((2 * unit, y + 0.5 * unit, 2.7 * unit, y + 1.2 * unit), fill=colour)
        words = _words(page.content, int(page.content.integers(2, 6)))
        page.write((3.6 * unit, y), words, 1.6 * unit, _readable(page), face=face)
    if page.layout.random() < 0.4:
        size = (int(12 * unit), int(10 * unit))
        page.image.paste(page.photo(size), (int(26 * unit), int(10 * unit)))


def chat(page: DesignPage) -> None:
    """An app's bar and input line; other bubbles."""
    face, tint, mine = _face(page.layout), _pale(page.layout), _colour(page.layout)
    unit, y = page.width / 30, page.width / 30 * 4.0
    page.pen.rectangle((0, 0, page.width, 3 * unit), fill=mine)
    page.write(
        (3 * unit, 0.8 * unit), _words(page.layout, 1), 1.4 * unit, (255, 255, 255), face=face
    )
    while y < page.height - 7 * unit:
        words = _words(page.content, int(page.content.integers(1, 5)))
        is_mine = page.content.random() < 0.5
        wide = (3 + len(words) * 0.55) * unit
        x, fill = (page.width - wide - unit, mine) if is_mine else (unit, tint)
        page.pen.rounded_rectangle((x, y, x + wide, y + 2.2 * unit), unit, fill=fill)
        at = (x + unit, y + 0.5 * unit)
        page.write(at, words, unit, _readable_on(fill), face=face)
        y += float(page.content.uniform(2.6, 4)) * unit
    bar = (unit, page.height - 3 * unit, page.width - unit, page.height - unit)
    page.pen.rounded_rectangle(bar, unit, outline=_GREY, width=2)


def listing(page: DesignPage) -> None:
    """An app's screen of offers: the same bars and buttons, other photos, names and prices."""
    face, colour, unit = _face(page.layout), _colour(page.layout), page.width / 30
    page.pen.rectangle((0, 0, page.width, 3 * unit), fill=colour)
    title = _words(page.layout, 2)
    page.write((unit, 0.7 * unit), title, 1.5 * unit, (255, 255, 255), face=face)
    columns = int(page.layout.integers(1, 4))
    wide = (page.width - unit) / columns
    high = wide * (1.25 if columns > 1 else 0.35)
    button, words_on_it = _words(page.layout, 1), page.height - 3 * unit
    for row in range(int((page.height - 7 * unit) // high)):
        for column in range(columns):
            x, y = unit + wide * column, 4 * unit + high * row
            side = int(wide - unit) if columns > 1 else int(high - unit)
            page.image.paste(page.photo((side, int(high * 0.7))), (int(x), int(y)))
            left = x if columns > 1 else x + side + unit
            top = y + high * 0.72 if columns > 1 else y
            words = _words(page.content, 2)
            page.write((left, top), words, min(unit, wide / 12), face=face)
            price = _number(page.content)[-6:]
            page.write((left, top + unit), price, min(unit, wide / 12), colour, face=face)
    page.pen.rectangle((0, words_on_it, page.width, page.height), fill=_PALE)
    for tab in range(4):
        at = ((1 + 7.3 * tab) * unit, words_on_it + unit)
        page.write(at, f"{button} {tab}", unit, _GREY, face=face)


def icon(page: DesignPage) -> None:
    """Icons of one set: the same ground and rim, another sign."""
    middle = (page.width / 2, page.height / 2)
    radius = min(page.width, page.height) * 0.42
    colour, light = _colour(page.layout), _pale(page.layout)
    if page.layout.random() < 0.5:
        page.pen.regular_polygon((*middle, radius), 4, fill=colour, outline=light, width=9)
    box = [middle[0] - radius * 0.8, middle[1] - radius * 0.8]
    box += [middle[0] + radius * 0.8, middle[1] + radius * 0.8]
    page.pen.ellipse(box, fill=light, outline=colour, width=14)
    for _ in range(int(page.content.integers(1, 4))):
        at = np.array(middle) + page.content.uniform(-0.3, 0.3, 2) * radius
        size, sides = (
            float(page.content.uniform(0.15, 0.4)) * radius,
            int(page.content.integers(3, 8)),
        )
        turn = float(page.content.uniform(0, 90))
        page.pen.regular_polygon((at[0], at[1], size), sides, turn, fill=_colour(page.content))


def stamp(page: DesignPage) -> None:
    """A stamp: the same rim, words and head; another value and colour."""
    unit, face, rim = page.width / 30, _face(page.layout), _pale(page.layout)
    colour = _colour(page.content)
    page.pen.rectangle((unit, unit, page.width - unit, page.height - unit), fill=colour)
    for step in range(int(page.width / unit / 1.2)):
        for y in (unit * 0.4, page.height - unit * 0.4):
            page.pen.ellipse((step * 1.2 * unit, y - 6, step * 1.2 * unit + 12, y + 6), fill=rim)
    points = page.layout.uniform(0.2, 0.8, (9, 2)) * (page.width, page.height)
    page.pen.polygon(
        [tuple(point) for point in points], fill=tuple(min(255, v + 60) for v in colour)
    )
    page.write((2 * unit, page.height - 5 * unit), _words(page.layout, 2), 2 * unit, rim, face=face)
    value = str(page.content.choice((1, 2, 5, 10, 20, 25, 50, 75)))
    page.write((page.width - 9 * unit, 2 * unit), value, 5 * unit, rim, face=face)


def heat_map(page: DesignPage) -> None:
    """A title, labels and a field of other values."""
    unit, face, _ = _head(page)
    cells = int(page.layout.integers(8, 30))
    field = page.content.normal(0, 1, (cells, cells))
    field = cv2.GaussianBlur(field, (0, 0), float(page.layout.uniform(0.5, 2))).astype(np.float64)
    levels = (255 * (field - field.min()) / np.ptp(field)).astype(np.uint8)
    coloured = cv2.applyColorMap(levels, int(page.layout.choice((2, 4, 11, 16, 20))))
    side = int(min(page.width - 8 * unit, page.height - 11 * unit))
    picture = Image.fromarray(np.ascontiguousarray(coloured[..., ::-1]))
    page.image.paste(
        picture.resize((side, side), Image.Resampling.NEAREST), (int(5 * unit), int(9 * unit))
    )
    for row in range(0, cells, 2):
        y = 9 * unit + side * row / cells
        page.write((unit, y), f"R{row:02}", unit * 0.9, face=face)


def package(page: DesignPage) -> None:
    """A maker's package: the same brand and shapes, another kind in another colour."""
    unit, face = page.width / 30, _face(page.layout)
    accent = _colour(page.content)
    page.pen.rounded_rectangle(
        (4 * unit, 2 * unit, page.width - 4 * unit, page.height - 2 * unit),
        unit,
        fill=_pale(page.layout),
    )
    brand = _words(page.layout, 1).upper()
    page.write((6 * unit, 4 * unit), brand, 4 * unit, _DARK, face=face)
    points = page.layout.uniform((5, 10), (25, 20), (7, 2)) * unit
    page.pen.polygon([tuple(point) for point in points], fill=accent)
    band = (4 * unit, page.height * 0.62, page.width - 4 * unit, page.height * 0.74)
    page.pen.rectangle(band, fill=accent)
    words = _words(page.content, 2)
    page.write((6 * unit, page.height * 0.64), words, 2.2 * unit, _readable_on(accent), face=face)
    below = _words(page.layout, 4)
    page.write((6 * unit, page.height * 0.8), below, 1.3 * unit, _DARK, face=face)


def fixed_camera(page: DesignPage) -> None:
    """The same place and another thing in it, under another clock."""
    ground = page.photos[int(page.layout.integers(len(page.photos)))]
    page.image.paste(ImageOps.fit(ground, page.image.size, Image.Resampling.BICUBIC), (0, 0))
    _stand_in(page, share=float(page.content.uniform(0.22, 0.4)))
    page.write((16, 16), _number(page.content), 26, (255, 255, 255), face=4)


def next_view(page: DesignPage) -> None:
    """A thing before its ground, seen from a step aside: what is near moves, the rest less."""
    photos, layout = page.photos, page.layout
    far = ImageOps.fit(photos[int(layout.integers(len(photos)))], page.image.size)
    near = ImageOps.fit(photos[int(layout.integers(len(photos)))], page.image.size)
    height, width = page.height, page.width
    blobs = cv2.GaussianBlur(layout.normal(0, 1, (height // 8, width // 8)), (0, 0), height / 60)
    depth = cv2.resize(blobs / np.abs(blobs).max(), (width, height)).astype(np.float32)
    steps = float(page.content.choice((-0.06, -0.035, -0.012, 0.012, 0.035, 0.06))) * width
    across, down = np.meshgrid(
        np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    )
    moved = np.where(depth > 0.1, steps, steps * 0.15 * (1 + depth))
    layers = np.where((depth > 0.1)[..., None], np.asarray(near), np.asarray(far))
    seen = cv2.remap(
        layers,
        (across + moved).astype(np.float32),
        down,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )
    page.image.paste(Image.fromarray(seen), (0, 0))


# Without the fixed camera: a thing put into a photo may be an edit as well as the next shot.
FAMILIES: tuple[Family, ...] = (
    *(letter, form, certificate, table, bars, scatter, pie, board, calendar, receipt, frame, card),
    *(slide, chat, listing, icon, stamp, heat_map, package, next_view),
)


def _head(page: DesignPage) -> tuple[float, int, Colour]:
    """Draw a logo, a name and a line; return the page's unit, font and colour."""
    unit, face, colour = page.width / 40, _face(page.layout), page.ink(page.layout)
    logo = (2 * unit, 1.5 * unit, 6 * unit, 5.5 * unit)
    draw_logo = page.pen.ellipse if page.layout.random() < 0.5 else page.pen.rectangle
    draw_logo(logo, fill=colour)
    page.write((7.5 * unit, 2 * unit), _words(page.layout, 3), 2 * unit, colour, face=face)
    page.pen.line((2 * unit, 6.8 * unit, 38 * unit, 6.8 * unit), fill=colour, width=3)
    return unit, face, colour


def _axes(page: DesignPage) -> tuple[float, float, float, float]:
    """Draw axes, their numbers and a title; return the left, the foot, the width and the height."""
    face, unit = _face(page.layout), page.width / 40
    x0, y0 = 4 * unit, page.height - 4 * unit
    wide, high = page.width - 6 * unit, page.height - 10 * unit
    page.write((10 * unit, unit), _words(page.layout, 3), 1.8 * unit, face=face)
    for line in range(6):
        y = y0 - high * line / 5
        page.pen.line((x0, y, x0 + wide, y), fill=_GREY if line == 0 else _PALE, width=2)
        page.write((unit, y - unit * 0.6), str(20 * line), unit, face=face)
    page.pen.line((x0, y0, x0, y0 - high), fill=_GREY, width=3)
    for tick in range(6):
        at = (x0 + wide * tick / 6, y0 + unit * 0.5)
        page.write(at, _words(page.layout, 1)[:4], unit, face=face)
    return x0, y0, wide, high


def _stand_in(page: DesignPage, *, share: float) -> None:
    """Paste a photo's middle, softly cut out, somewhere into the lower half."""
    wide, high = int(page.width * share), int(page.height * share * 0.8)
    mask = Image.new("L", (wide, high))
    ImageDraw.Draw(mask).ellipse((4, 4, wide - 4, high - 4), fill=255)
    x = int(page.content.integers(page.width - wide))
    y = int(page.content.integers(page.height // 3, page.height - high))
    page.image.paste(page.photo((wide, high)), (x, y), mask.filter(ImageFilter.GaussianBlur(3)))


def _readable(page: DesignPage) -> Colour:
    """Return what can be read on the page's ground."""
    return _readable_on(np.asarray(page.image)[1, 1])


def _readable_on(ground: Sequence[int] | NDArray[np.uint8]) -> Colour:
    return _DARK if np.mean(ground) > 120 else (245, 245, 245)


@cache
def _font(face: int, px: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    size = max(7.0, round(px))
    if not _FONTS[face]:
        return ImageFont.load_default(size)
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    return ImageFont.truetype(folder / _FONTS[face], size)


def _face(rng: Rng) -> int:
    return int(rng.integers(len(_FONTS)))


def _words(rng: Rng, count: int) -> str:
    words = ["".join(rng.choice(_SYLLABLES, int(rng.integers(1, 4)))) for _ in range(count)]
    return " ".join(words).capitalize()


def _number(rng: Rng) -> str:
    return f"{rng.uniform(1, 10_000):,.2f}"


def _colour(rng: Rng) -> Colour:
    red, green, blue = rng.integers(20, 210, 3)
    return int(red), int(green), int(blue)


def _pale(rng: Rng) -> Colour:
    red, green, blue = rng.integers(225, 256, 3)
    return int(red), int(green), int(blue)
