"""A made page while it is drawn: its colours, what is on it, and what is drawn on it everywhere."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ml.panels.made.collages import MIN_PANEL_PX, WORDS, Photos, paste
from ml.types import Box

_ON_BACKDROP, _WITH_RIM = 0.15, 0.12  # of pages and photos
_SIZES = ((1920, 1080), (1440, 900), (1366, 768), (1280, 800), (1024, 768), (390, 844), (414, 896))


class Page:
    """A page that is filled from the top; it draws, and keeps the boxes of its photos.

    Attributes:
        photos: returns another photo at each call.
        rng: decides all the rest.
        width, height: of the page, in px.
        is_dark: whether its letters are light.
        ground, card, ink, accent: RGB colours of what lies below, cards, letters and buttons.
        image: what is drawn so far.
        draw: draws on it.
        sides: x of the left and right side of what is filled, in px.
        panels: boxes of the photos that count.
        shown: panel by panel, the number of its photo, from 0 in the order of the calls.
        shares: panel by panel, how much of the photo's area can be seen, 0..1.
        photos_shown: how many photos were asked for.
        radius: of the corners of cards, buttons and photos, in px.
        y: where the next section begins, in px.
    """

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

    def draw_header(self) -> None:
        """Draw a bar with a logo, some menu entries and perhaps a round picture."""
        height = int(self.rng.integers(40, 90))
        bar = self.accent if self.rng.random() < 0.4 else self.card
        self.draw.rectangle((0, 0, self.width, height), fill=bar)
        self.write(24, height // 3, int(self.width * 0.15), size=18, lines=1)
        for index in range(int(self.rng.integers(2, 6))):
            x = int(self.width * 0.3) + index * 110
            self.draw.ellipse((x, height // 3, x + 12, height // 3 + 12), fill=self.accent)
            self.write(x + 18, height // 3, 80, size=13, lines=1)
        self.y = height + int(self.rng.integers(8, 40))

    def change_ground(self) -> None:
        """Give the rest of the page another colour, and letters that can be read on it."""
        self.ground = tuple(int(level) for level in self.rng.integers(0, 256, 3))
        is_dark = sum(self.ground) < 3 * 128
        self.ink = (235, 235, 240) if is_dark else (30, 30, 36)
        self.card = self.ground
        box = (self.sides[0], self.y, self.sides[1], self.height)
        self.draw.rectangle(box, fill=self.ground)
        self.y += int(self.rng.integers(16, 60))

    def draw_photo(self, box: Box, *, radius: int | None = None, shade: float = 1.0) -> None:
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

    def write(self, x: int, y: int, width: int, *, size: int, lines: int) -> int:
        """Write words at a point; return the y below them."""
        font = ImageFont.load_default(size=size)
        for _ in range(lines):
            words = str(self.rng.choice(WORDS))
            while font.getlength(words) < width - 4 * size:
                words += f" {self.rng.choice(WORDS)}"
            self.draw.text((x, y), words, fill=self.ink, font=font)
            y += int(size * 1.6)
        return y

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
