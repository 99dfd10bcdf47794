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
    """What the searches showed; times are medians in milliseconds, as the client saw them.

    `page_ms` is what the page of first hits took, from sending the picture, and `answer_ms` what
    programs waited for the same hits.
    """

    images: int
    tries: int
    found_first: int
    total_ms: float
    model_ms: float
    outside_ms: float
    outside_p95_ms: float
    page_ms: float
    answer_ms: float


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
        first_hits = [
            _first_hits(visitor, sha256, is_page_first=number % 2 == 0)
            for number, (_, sha256) in enumerate(chosen)
        ]
    outside = sorted(result.total_ms - result.model_ms for result in results)
    return SearchFigures(
        images=len(rows),
        tries=len(results),
        found_first=sum(result.is_first for result in results),
        total_ms=median(result.total_ms for result in results),
        model_ms=median(result.model_ms for result in results),
        outside_ms=median(outside),
        outside_p95_ms=outside[int(0.95 * (len(outside) - 1))],
        page_ms=median(page_ms for page_ms, _ in first_hits),
        answer_ms=median(answer_ms for _, answer_ms in first_hits),
    )


def _first_hits(visitor: Visitor, sha256: str, *, is_page_first: bool) -> tuple[float, float]:
    """Return what the page of first hits took, and the answer to a program, one after the other.

    Who comes second finds the memory of the processors warm: each does as often.
    """
    copy = half_mirrored_jpeg60(storage.read(storage.original_name(sha256)))
    if is_page_first:
        page_ms = visitor.look(copy, wait="hits").total_ms
        return page_ms, visitor.search(copy, wait="hits").total_ms
    answer_ms = visitor.search(copy, wait="hits").total_ms
    return visitor.look(copy, wait="hits").total_ms, answer_ms


def _search(visitor: Visitor, image_id: UUID, sha256: str) -> Try:
    answer = visitor.search(half_mirrored_jpeg60(storage.read(storage.original_name(sha256))))
    return Try(answer.first == str(image_id), answer.total_ms, answer.model_ms)
