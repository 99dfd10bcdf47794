"""Made pages of one design, compared as a search compares pictures."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from ml.copies import comparison
from ml.copies.comparison import CopyVerdict
from ml.copies.made import designs, edits
from ml.errors import EvaluationDataInvalid
from ml.evaluation.datasets import list_pictures, read_bytes
from ml.images.decode import decode
from ml.rules.limits import MAX_PIXELS

_DESIGNS = 300
_PHOTOS = 60
# What a page goes through before it is met again, in turn; each with its strengths.
_COPIES: tuple[tuple[edits.Apply, float, float], ...] = (
    (edits.compress, 15, 70),
    (edits.crop, 70, 97),
    (edits.photograph, 2, 10),
)


@dataclass(frozen=True, slots=True)
class DesignPair:
    """A page beside a copy of it, or beside another page of its design.

    Attributes:
        family: the kind of design.
        edit: what the copy went through; "" is another page.
        verdict: what was found.
    """

    family: str
    edit: str
    verdict: CopyVerdict


def measure(folder: Path, *, limit: int | None, rng: np.random.Generator) -> list[DesignPair]:
    """Return what is said of a copy and of another page of each design.

    Args:
        folder: photos, which some designs show.
        limit: how many designs; None is 300.
        rng: draws them.

    Raises:
        EvaluationDataInvalid: the folder is missing or holds no picture.
    """
    paths = list_pictures(folder) if folder.is_dir() else []
    if not paths:
        raise EvaluationDataInvalid(f"{folder} holds no photos.", folder=str(folder))
    chosen = rng.choice(len(paths), min(_PHOTOS, len(paths)), replace=False)
    photos = [decode(read_bytes(paths[index]), max_pixels=MAX_PIXELS) for index in chosen]
    judged = []
    for index in tqdm(range(limit or _DESIGNS), unit="design", disable=None):
        family = designs.FAMILIES[index % len(designs.FAMILIES)]
        page, other = _pages(family, photos, rng)
        apply, low, high = _COPIES[index % len(_COPIES)]
        copy = apply(page, float(rng.uniform(low, high)), rng, page)
        candidate = comparison.extract(np.asarray(page))
        for query, edit in ((copy, apply.__name__), (other, "")):
            found = comparison.compare(comparison.extract_query(np.asarray(query)), candidate)
            judged.append(DesignPair(family.__name__, edit, found.verdict))
    return judged


def _pages(
    family: designs.Family, photos: list[Image.Image], rng: np.random.Generator
) -> tuple[Image.Image, Image.Image]:
    """Return two pages of a new design that differ; some designs have room for nothing."""
    while True:
        layout_seed = int(rng.integers(2**40))
        first, second = (
            designs.draw(
                family,
                layout_seed=layout_seed,
                content_seed=int(rng.integers(2**40)),
                photos=photos,
            )
            for _ in range(2)
        )
        if first.tobytes() != second.tobytes():
            return first, second
