"""Made pairs that a comparison cannot pass over, and what is true of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.copies import comparison, judge
from ml.copies.comparison import PreparedCandidate, PreparedQuery
from ml.copies.made import designs, edits
from ml.copies.made.designs import Family
from ml.images.decode import decode
from ml.rules.limits import MAX_PIXELS

Rng = np.random.Generator

# Between which strengths each is drawn, in its own unit.
_OF_PHOTOS: tuple[tuple[edits.Apply, float, float], ...] = (
    (edits.crop, 25, 95),
    (edits.rotate, 1, 40),
    (edits.mirror, 100, 100),
    (edits.write_text, 6, 32),
    (edits.change_colour, 10, 55),
    (edits.blur, 0.3, 3),
    (edits.compress, 8, 60),
    (edits.pad, 5, 50),
    (edits.place_inside, 12, 60),
    (edits.photograph, 2, 14),
    (edits.cover, 2, 30),
    (edits.cut_out, 45, 85),
)
# Nobody takes a page's content off and has the page.
_OF_PAGES: tuple[tuple[edits.Apply, float, float], ...] = (
    (edits.crop, 60, 97),
    (edits.compress, 20, 80),
    (edits.photograph, 2, 10),
    (edits.change_colour, 10, 30),
    (edits.blur, 0.1, 0.3),
    (edits.pad, 5, 40),
    (edits.rotate, 1, 15),
    (edits.write_text, 5, 16),
)
# Pages that show one photo, cut to their shape.
_SHOWING = (designs.frame, designs.card)
# An unedited page beside another of its design is as usual as an edited one.
_PAGES_OF_A_DESIGN, _AS_IT_IS = 4, 0.35
_PHOTOS_AT_HAND, _EDITED_PHOTOS, _PHOTO_PX = 12, 11, (250, 900)
_SHARPENED_PX, _MAX_SHARPENING = 1.2, 2.0
_GRAINY_SHARE, _MAX_GRAIN_LEVELS = 0.5, 16.0


@dataclass(frozen=True, slots=True, eq=False)
class MadePair:
    """A query and a candidate, RGB.

    Attributes:
        kind: the design, or the edit.
        is_copy: whether one was made from the other.
    """

    query: Image.Image
    candidate: Image.Image
    kind: str
    is_copy: bool


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """What the judge sees of a pair.

    Attributes:
        row: (F,) float32, see `judge.FEATURES`.
        kind: the design, or the edit.
        is_copy: what it should say.
    """

    row: NDArray[np.float32]
    kind: str
    is_copy: bool


def learned(index: int, *, photos: Sequence[Path], seed: int) -> list[Example]:
    """Return what is learned of one design and of some photos, the same for the same seed."""
    cv2.setNumThreads(1)  # so that the same seed gives the same numbers everywhere
    return list(examples(pairs(photos, index, np.random.default_rng([seed, index]))))


def pairs(photos: Sequence[Path], index: int, rng: Rng) -> Iterator[MadePair]:
    """Yield pairs of pages of a design, whose family is taken in turn, and of edited photos."""
    at_hand = [_read(photos[int(rng.integers(len(photos)))], rng) for _ in range(_PHOTOS_AT_HAND)]
    yield from pages(designs.FAMILIES[index % len(designs.FAMILIES)], at_hand, rng)
    for photo, other in pairwise(at_hand[: 1 + _EDITED_PHOTOS]):
        query, edit = _edited(photo, other, _OF_PHOTOS, rng)
        yield MadePair(query, photo, edit, is_copy=True)
    showing = _SHOWING[index % len(_SHOWING)]
    page = _drawn(showing, int(rng.integers(2**40)), at_hand[-1:], rng)
    yield MadePair(page, at_hand[-1], f"shown in {showing.__name__}", is_copy=True)
    # Of all that is no copy the next shot looks most like an edited photo.
    scene = int(rng.integers(2**40))
    shot, following = (_drawn(designs.next_view, scene, at_hand, rng) for _ in range(2))
    if shot.tobytes() != following.tobytes():
        yield MadePair(_saved_again(following, rng), shot, "following shot", is_copy=False)


def pages(family: Family, photos: Sequence[Image.Image], rng: Rng) -> Iterator[MadePair]:
    """Yield pairs of pages of one design, and copies of one of them."""
    layout_seed = int(rng.integers(2**40))
    first, *others = (_drawn(family, layout_seed, photos, rng) for _ in range(_PAGES_OF_A_DESIGN))
    name = family.__name__
    for other in others:
        if other.tobytes() != first.tobytes():
            query = other
            if rng.random() > _AS_IT_IS:
                query, _ = _edited(other, photos[0], _OF_PAGES, rng)
            yield MadePair(query, first, name, is_copy=False)
    yield MadePair(_saved_again(first, rng), first, name, is_copy=True)
    edited, edit = _edited(first, photos[1], _OF_PAGES, rng)
    yield MadePair(edited, first, f"{name}, {edit}", is_copy=True)


def examples(made: Iterator[MadePair]) -> Iterator[Example]:
    """Yield what the judge has to decide: pairs that lie on each other."""
    for pair in made:
        query = PreparedQuery.of(comparison.extract_query(np.asarray(pair.query)))
        laid = query.lay(PreparedCandidate.of(comparison.extract(np.asarray(pair.candidate))))
        if laid.judged is not None and laid.differences is not None:
            row = judge.features(laid.differences, laid.judged, laid.distance)
            yield Example(row, pair.kind, is_copy=pair.is_copy)


def _drawn(
    family: Family, layout_seed: int, photos: Sequence[Image.Image], rng: Rng
) -> Image.Image:
    content_seed = int(rng.integers(2**40))
    return designs.draw(family, layout_seed=layout_seed, content_seed=content_seed, photos=photos)


def _edited(
    image: Image.Image,
    other: Image.Image,
    table: Sequence[tuple[edits.Apply, float, float]],
    rng: Rng,
) -> tuple[Image.Image, str]:
    apply, low, high = table[int(rng.integers(len(table)))]
    edited = apply(image, float(rng.uniform(low, high)), rng, other)
    if rng.random() > _AS_IT_IS:
        edited = _saved_again(edited, rng)
    return edited, apply.__name__


def _saved_again(image: Image.Image, rng: Rng) -> Image.Image:
    """Return the picture as it comes back from the web: smaller, trimmed, a JPEG."""
    factor = float(rng.uniform(0.6, 1.1))
    size = (max(32, round(image.width * factor)), max(32, round(image.height * factor)))
    x, y = (round(side * float(rng.uniform(0, 0.03))) for side in size)
    small = image.resize(size).crop((x, y, size[0] - x, size[1] - y))
    return edits.compress(small, int(rng.integers(40, 95)), rng, small)


def _read(path: Path, rng: Rng) -> Image.Image:
    """Return a photo in any size: it must not be told from a page by how large it is."""
    photo = decode(path.read_bytes(), max_pixels=MAX_PIXELS)
    factor = float(rng.uniform(*_PHOTO_PX)) / max(photo.size)
    sized = photo.resize([max(1, round(side * factor)) for side in photo.size])
    return _sharp_and_grainy(sized, rng)


def _sharp_and_grainy(photo: Image.Image, rng: Rng) -> Image.Image:
    """Return a photo with as much fine detail as one has that was never enlarged.

    An edit loses it: where nothing else is, little correlates.
    """
    pixels = np.asarray(photo).astype(np.float32)
    blurred = cv2.GaussianBlur(pixels, (0, 0), _SHARPENED_PX)
    pixels += float(rng.uniform(0, _MAX_SHARPENING)) * (pixels - blurred)
    if rng.random() < _GRAINY_SHARE:
        grain = rng.normal(0, float(rng.uniform(1, _MAX_GRAIN_LEVELS)), pixels.shape)
        pixels += cv2.GaussianBlur(grain, (0, 0), float(rng.uniform(0.3, 1)))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
