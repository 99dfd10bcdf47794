"""Made pages, as a browser shows them, whose photos are known, to learn from."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ml.panels.learning.collages import MIN_PANEL_PX, WORDS, Made, Photos, compressed, paste, spread
from ml.types import Box

_ON_BACKDROP, _ON_COLOUR, _WITH_RIM = 0.15, 0.12, 0.12  # of pages, sections and photos
_SIZES = ((1920, 1080), (1440, 900), (1366, 768), (1280, 800), (1024, 768), (390, 844), (414, 896))


def make_page(photos: Photos, rng: np.random.Generator, *, has_photos: bool = True) -> Made:
    """Return a page as a browser shows it: header, text, cards, icons, buttons, and photos or none.

    Args:
        photos: see `make_collage`; avatars and icons of text pages are made of them, too.
        rng: decides everything else.
        has_photos: whether there are photos that count.
    """
    page = _Page(photos, rng)
    page.header()
    while page.y < page.height:
        page.section(has_photos=has_photos)
    pixels = np.asarray(page.image).copy()
    if rng.random() < 0.25:
        pixels = compressed(pixels, rng)
    return Made(pixels, tuple(page.panels), tuple(page.shown), tuple(page.shares))


class _Page:
    """A page that is filled from the top; it draws, and keeps the boxes of its photos."""

    def __init__(self, photos: Photos, rng: np.random.Generator) -> None:
        self.photos, self.rng = photos, rng
        self.width, self.height = _SIZES[rng.integers(len(_SIZES))]
        self.is_dark = bool(rng.random() < 0.35)
        tone = int(rng.choice((14, 24, 34)) if self.is_dark else rng.choice((255, 255, 246, 238)))
        self.ground: tuple[int, ...] = (tone, tone, tone + (4 if self.is_dark else 0))
        shift = int(rng.choice((0, 6, 12)))
        self.card = tuple(min(255, level + shift) for level in self.ground)
        self.ink = (225, 225, 230) if self.is_dark else (30, 30, 36)
        self.accent = tuple(int(level) for level in rng.integers(20, 235, 3))
        self.image = Image.new("RGB", (self.width, self.height), self.ground)
        self.draw = ImageDraw.Draw(self.image)
        self.sides = (0, self.width)
        self.panels: list[Box] = []
        self.shown: list[int] = []
        self.shares: list[float] = []
        self.photos_shown = 0
        self.radius = int(rng.choice((0, 0, 6, 12)))
        self.y = 0
        if rng.random() < _ON_BACKDROP:
            self._backdrop()

    def header(self) -> None:
        """Draw a bar with a logo, some menu entries and perhaps a round picture."""
        height = int(self.rng.integers(40, 90))
        bar = self.accent if self.rng.random() < 0.4 else self.card
        self.draw.rectangle((0, 0, self.width, height), fill=bar)
        self._text(24, height // 3, int(self.width * 0.15), size=18, lines=1)
        for index in range(int(self.rng.integers(2, 6))):
            x = int(self.width * 0.3) + index * 110
            self.draw.ellipse((x, height // 3, x + 12, height // 3 + 12), fill=self.accent)
            self._text(x + 18, height // 3, 80, size=13, lines=1)
        self.y = height + int(self.rng.integers(8, 40))

    def section(self, *, has_photos: bool) -> None:
        """Draw one part of the page and move below it."""
        kinds: list[Callable[[int, int], None]] = [
            self._words,
            self._icons,
            self._buttons,
            self._chat,
            self._band,
            self._table,
            self._artwork,
        ]
        if has_photos:
            kinds += [self._cards, self._cards, self._rows, self._hero, self._beside, self._rows]
            kinds += [self._feed]
            kinds += [self._banner, self._mosaic]
        if self.rng.random() < _ON_COLOUR:
            self._new_ground()
        draw = kinds[self.rng.integers(len(kinds))]
        inset = int((self.sides[1] - self.sides[0]) * self.rng.choice((0.03, 0.08, 0.2)))
        draw(self.sides[0] + inset, self.sides[1] - inset)
        self.y += int(self.rng.integers(12, 50))

    def _backdrop(self) -> None:
        """Lay the page on a photo, a gradient or a texture, which is no picture of its own."""
        kind = self.rng.random()
        pixels = np.empty((self.height, self.width, 3), np.uint8)
        pixels[:] = self.ground
        if kind < 0.4:
            paste(pixels, self.photos(), Box(0, 0, self.width, self.height))
            self.photos_shown += 1
        elif kind < 0.7:
            along = np.linspace(0, 1, self.height)[:, None, None]
            ends = self.rng.integers(0, 256, (2, 3))
            pixels[:] = ends[0] + (ends[1] - ends[0]) * along
        else:
            tile = self.rng.integers(-6, 7, (8, 8, 1))
            tiles = np.tile(tile, (self.height // 8 + 1, self.width // 8 + 1, 1))
            pixels[:] = np.clip(pixels + tiles[: self.height, : self.width], 0, 255)
        self.image.paste(Image.fromarray(pixels), (0, 0))
        inset = int(self.width * self.rng.uniform(0.02, 0.15))
        self.sides = (inset, self.width - inset)
        top = int(self.rng.integers(0, 120))
        self.draw.rectangle((inset, top, self.width - inset, self.height), fill=self.ground)

    def _new_ground(self) -> None:
        """Give the rest of the page another colour, and letters that can be read on it."""
        self.ground = tuple(int(level) for level in self.rng.integers(0, 256, 3))
        is_dark = sum(self.ground) < 3 * 128
        self.ink = (235, 235, 240) if is_dark else (30, 30, 36)
        self.card = self.ground
        box = (self.sides[0], self.y, self.sides[1], self.height)
        self.draw.rectangle(box, fill=self.ground)
        self.y += int(self.rng.integers(16, 60))

    def _artwork(self, left: int, right: int) -> None:
        """Draw a banner of flat shapes and words, which is no photo."""
        height = int(self.rng.integers(120, 320))
        right = left + int((right - left) * self.rng.uniform(0.3, 1.0))
        colours = [tuple(int(level) for level in row) for row in self.rng.integers(0, 256, (9, 3))]
        self.draw.rectangle((left, self.y, right, self.y + height), fill=colours[0])
        for colour in colours[1:]:
            x, y = (
                int(self.rng.integers(left, right)),
                int(self.rng.integers(self.y, self.y + height)),
            )
            wide, high = (int(side) for side in self.rng.integers(8, 90, 2))
            box = (x, y, min(x + wide, right), min(y + high, self.y + height))
            draw = (self.draw.rectangle, self.draw.ellipse)[int(self.rng.integers(2))]
            if box[2] > box[0] and box[3] > box[1]:
                draw(box, fill=colour)
        size = int(self.rng.integers(20, 60))
        self._text(left + 20, self.y + height // 3, (right - left) // 2, size=size, lines=1)
        self.y += height

    def _banner(self, left: int, right: int) -> None:
        """Draw a photo from side to side with a heading, a button, arrows and dots over it."""
        x0, x1 = self.sides if self.rng.random() < 0.7 else (left, right)
        y = 0 if self.rng.random() < 0.2 and not self.panels else self.y
        height = int(self.rng.integers(200, 560))
        self._picture(Box(x0, y, x1, y + height), radius=0, shade=float(self.rng.uniform(0.4, 1)))
        ink, self.ink = self.ink, (250, 250, 250)
        middle, size = y + height // 2, int(self.rng.integers(28, 64))
        self._text(left + (right - left) // 4, middle - 60, (right - left) // 2, size=size, lines=1)
        self._text(left + (right - left) // 4, middle + 10, (right - left) // 3, size=15, lines=2)
        self.ink = ink
        if self.rng.random() < 0.5:
            self.draw.rectangle(
                (left + 60, middle + 70, left + 190, middle + 110), fill=self.accent
            )
        for x in (x0 + 30, x1 - 40) if self.rng.random() < 0.5 else ():
            self.draw.line((x, middle - 12, x + 10, middle, x, middle + 12), fill="white", width=4)
        for x in range((x0 + x1) // 2 - 24, (x0 + x1) // 2 + 24, 16):
            self.draw.ellipse((x, y + height - 24, x + 8, y + height - 16), fill="white")
        self.y = max(self.y, y + height)

    def _mosaic(self, left: int, right: int) -> None:
        """Draw a gallery of photos without space between, captions over some of them."""
        left, right = self.sides if self.rng.random() < 0.5 else (left, right)
        across, gutter = int(self.rng.integers(2, 6)), int(self.rng.choice((0, 0, 1, 2)))
        height = int((right - left) / across * self.rng.uniform(0.6, 1.0))
        for _ in range(int(self.rng.integers(1, 4))):
            for x0, x1 in spread(left, right, [1.0] * across, gutter):
                self._picture(Box(x0, self.y, x1, self.y + height), radius=0)
                if self.rng.random() < 0.3:
                    self._text(x0 + 8, self.y + height - 32, (x1 - x0) // 2, size=14, lines=1)
            self.y += height + gutter

    def _words(self, left: int, right: int) -> None:
        self._text(left, self.y, right - left, size=int(self.rng.integers(22, 40)), lines=1)
        self.y += 56
        self.y = self._text(left, self.y, right - left, size=15, lines=int(self.rng.integers(2, 9)))

    def _icons(self, left: int, right: int) -> None:
        side = int(self.rng.integers(28, 80))
        for x in range(left, right - side, max(side * 2, (right - left) // 4)):
            shape = (x, self.y, x + side, self.y + side)
            draw = self.draw.ellipse if self.rng.random() < 0.5 else self.draw.rectangle
            draw(shape, fill=tuple(int(level) for level in self.rng.integers(0, 256, 3)))
            self.draw.line(
                (x + side // 4, self.y + side // 2, x + side * 3 // 4, self.y + side // 4),
                fill="white",
                width=4,
            )
            self._text(x, self.y + side + 8, side * 2, size=13, lines=2)
        self.y += side + 50

    def _buttons(self, left: int, right: int) -> None:
        for x in range(left, right - 200, 240):
            box = (
                x,
                self.y,
                x + int(self.rng.integers(100, 200)),
                self.y + int(self.rng.integers(36, 110)),
            )
            self.draw.rounded_rectangle(box, self.radius, fill=self.accent)
            self._text(x + 16, self.y + 10, 90, size=15, lines=1)
        self.y += 112

    def _chat(self, left: int, right: int) -> None:
        for _ in range(int(self.rng.integers(2, 5))):
            side = int(self.rng.integers(28, 56))
            self._picture(Box(left, self.y, left + side, self.y + side), radius=side // 2)
            width = int((right - left) * self.rng.uniform(0.3, 0.7))
            box = (left + side + 12, self.y, left + side + 12 + width, self.y + 64)
            self.draw.rounded_rectangle(box, 10, fill=self.card, outline=(128, 128, 128))
            self._text(box[0] + 12, self.y + 10, width - 24, size=14, lines=2)
            self.y += 84

    def _band(self, left: int, right: int) -> None:
        """Draw a coloured band across the page, flat or a gradient, with words and no photo."""
        height = int(self.rng.integers(100, 300))
        start, stop = np.array(self.accent), self.rng.integers(0, 256, 3)
        is_flat = self.rng.random() < 0.6
        for row in range(height):
            colour = start if is_flat else start + (stop - start) * row // height
            self.draw.line(
                (0, self.y + row, self.width, self.y + row), fill=tuple(map(int, colour))
            )
        size = int(self.rng.integers(24, 60))
        self._text(left, self.y + height // 4, (right - left) // 2, size=size, lines=1)
        self._text(left, self.y + height // 2, (right - left) // 2, size=15, lines=2)
        self.y += height

    def _table(self, left: int, right: int) -> None:
        for _ in range(int(self.rng.integers(3, 7))):
            self.draw.rectangle((left, self.y, right, self.y + 34), outline=(140, 140, 140))
            for index in range(4):
                x = left + index * (right - left) // 4
                self._text(x + 8, self.y + 8, (right - left) // 5, size=13, lines=1)
            self.y += 34

    def _cards(self, left: int, right: int) -> None:
        across = max(1, min(5, (right - left) // int(self.rng.integers(150, 360))))
        width = (right - left - 20 * (across - 1)) // across
        photo = int(width * self.rng.uniform(0.5, 1.0))
        pad = int(self.rng.choice((0, 0, 10)))
        for index in range(across):
            x = left + index * (width + 20)
            box = (x, self.y, x + width, self.y + photo + 90)
            edge = (150, 150, 150) if self.rng.random() < 0.3 else None
            self.draw.rounded_rectangle(box, self.radius, fill=self.card, outline=edge)
            self._picture(Box(x + pad, self.y + pad, x + width - pad, self.y + photo))
            self._text(x + 10, self.y + photo + 8, width - 20, size=14, lines=2)
            button = (x + 10, self.y + photo + 54, x + 70, self.y + photo + 80)
            self.draw.rectangle(button, fill=self.accent)
        self.y += photo + 90

    def _rows(self, left: int, right: int) -> None:
        gutter = int(self.rng.choice((2, 4, 8, 16)))
        height = int(self.rng.integers(100, 260))
        shares = list(self.rng.uniform(0.6, 1.6, max(1, (right - left) // 230)))
        for x0, x1 in spread(left, right, shares, gutter):
            self._picture(Box(x0, self.y, x1, self.y + height))
        self.y += height
        self._text(left, self.y + 6, right - left, size=12, lines=1)
        self.y += 24

    def _hero(self, left: int, right: int) -> None:
        x0, x1 = (0, self.width) if self.rng.random() < 0.5 else (left, right)
        height = int(self.rng.integers(160, 420))
        self._picture(Box(x0, self.y, x1, self.y + height), radius=0)
        if self.rng.random() < 0.5:
            self._text(left + 40, self.y + height // 3, (right - left) // 2, size=40, lines=1)
        self.y += height

    def _beside(self, left: int, right: int) -> None:
        middle = left + int((right - left) * self.rng.uniform(0.3, 0.6))
        height = int((middle - left) * self.rng.uniform(0.5, 1.0))
        is_left = self.rng.random() < 0.5
        photo = Box(left, self.y, middle - 20, self.y + height)
        words = (middle, right) if is_left else (left, left + right - middle)
        if not is_left:
            photo = Box(right - photo.width, self.y, right, self.y + height)
        self._picture(photo)
        self._text(words[0], self.y, words[1] - words[0] - 24, size=15, lines=max(1, height // 26))
        self.y += height

    def _feed(self, left: int, right: int) -> None:
        width = min(right - left, int(self.rng.integers(320, 560)))
        x = left + (right - left - width) // 2
        self._picture(Box(x, self.y, x + 40, self.y + 40), radius=20)
        self._text(x + 52, self.y + 8, width - 60, size=14, lines=1)
        self.y += 52
        gutter, across = int(self.rng.choice((0, 2, 4))), int(self.rng.integers(1, 3))
        height = int(width / across * self.rng.uniform(0.6, 1.0))
        for _ in range(int(self.rng.integers(1, 3))):
            for x0, x1 in spread(x, x + width, [1.0] * across, gutter):
                self._picture(Box(x0, self.y, x1, self.y + height), radius=0)
            self.y += height + gutter
        self._text(x, self.y + 8, width, size=14, lines=1)
        self.y += 30

    def _picture(self, box: Box, *, radius: int | None = None, shade: float = 1.0) -> None:
        """Draw a photo, which is a panel if enough of it can be seen."""
        x1, y1 = min(box.x1, self.width), min(box.y1, self.height)
        seen = Box(box.x0, box.y0, x1, y1)
        if min(box.width, box.height) < 1 or min(seen.width, seen.height) < 1:
            return
        pixels = np.zeros((box.height, box.width, 3), np.uint8)
        ground = self.image.getpixel((min(box.x0, self.width - 1), min(box.y0, self.height - 1)))
        pixels[:] = np.array(ground, np.uint8)
        area = Box(0, 0, box.width, box.height)
        radius_px = self.radius if radius is None else radius
        share = paste(pixels, self.photos(), area, radius=radius_px)
        self.photos_shown += 1
        pixels = (pixels * shade).astype(np.uint8)
        self.image.paste(Image.fromarray(pixels), (box.x0, box.y0))
        if self.rng.random() < _WITH_RIM:
            width = int(self.rng.integers(1, 8))
            around = (box.x0 - width, box.y0 - width, box.x1 + width - 1, box.y1 + width - 1)
            tone = int(self.rng.choice((200, 255, 90)))
            self.draw.rectangle(around, outline=(tone, tone, tone), width=width)
        is_round = radius is not None and radius >= min(box.width, box.height) // 2 > 0
        if min(seen.width, seen.height) >= MIN_PANEL_PX and not is_round:
            self.panels.append(seen)
            self.shown.append(self.photos_shown - 1)
            self.shares.append(share * seen.width * seen.height / (box.width * box.height))

    def _text(self, x: int, y: int, width: int, *, size: int, lines: int) -> int:
        """Write words at a point; return the y below them."""
        font = ImageFont.load_default(size=size)
        for _ in range(lines):
            words = str(self.rng.choice(WORDS))
            while font.getlength(words) < width - 4 * size:
                words += f" {self.rng.choice(WORDS)}"
            self.draw.text((x, y), words, fill=self.ink, font=font)
            y += int(size * 1.6)
        return y
