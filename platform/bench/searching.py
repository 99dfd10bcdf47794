"""`manage.py bench search`: do edited copies find their originals, and where does the time go?"""

import random
from dataclasses import dataclass
from statistics import median
from uuid import UUID

from bench.edits import half_mirrored_jpeg60
from bench.visitor import Visitor
from catalog import storage
from catalog.models import Image


@dataclass(frozen=True, slots=True)
class Try:
    """One search: was the original first, and how long did it take, in milliseconds."""

    is_first: bool
    total_ms: float
    model_ms: float


@dataclass(frozen=True, slots=True)
class SearchFigures:
    """What the searches showed; times are medians in milliseconds, as the client saw them."""

    images: int
    tries: int
    found_first: int
    total_ms: float
    model_ms: float
    outside_ms: float
    outside_p95_ms: float


def measure(url: str, *, tries: int, seed: int) -> SearchFigures:
    """Search the site at `url` with edited copies of randomly chosen catalogue pictures.

    Each copy is half the size, mirrored, JPEG quality 60. One more search goes ahead, uncounted.

    Raises:
        RuntimeError: the site does not answer, or answers with an error.
        ValueError: the catalogue has no indexed picture.
    """
    indexed = Image.objects.filter(status=Image.Status.INDEXED).order_by("sha256")
    rows = list(indexed.values_list("pk", "sha256"))
    if not rows:
        raise ValueError("The catalogue has no indexed picture.")
    chosen = random.Random(seed).sample(rows, min(tries, len(rows)))  # noqa: S311  # repeatable
    with Visitor(url) as visitor:
        _search(visitor, *chosen[0])
        results = [_search(visitor, *row) for row in chosen]
    outside = sorted(result.total_ms - result.model_ms for result in results)
    return SearchFigures(
        images=len(rows),
        tries=len(results),
        found_first=sum(result.is_first for result in results),
        total_ms=median(result.total_ms for result in results),
        model_ms=median(result.model_ms for result in results),
        outside_ms=median(outside),
        outside_p95_ms=outside[int(0.95 * (len(outside) - 1))],
    )


def _search(visitor: Visitor, image_id: UUID, sha256: str) -> Try:
    answer = visitor.search(half_mirrored_jpeg60(storage.read(storage.original_name(sha256))))
    return Try(answer.first == str(image_id), answer.total_ms, answer.model_ms)
