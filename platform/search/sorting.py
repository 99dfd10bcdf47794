"""The order of the images that were found; which ones those are is decided before."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from search.groups import Group, ImageHit
from search.question import Sort


def _by_similarity(hit: ImageHit) -> float:
    if hit.score is not None:
        return -hit.score
    # Found by its hash alone, which is near the query's own.
    return -1.0


_KEYS: Mapping[Sort, Callable[[ImageHit], Any]] = MappingProxyType(
    {
        Sort.SIMILARITY: _by_similarity,
        Sort.NEWEST: lambda hit: -hit.image.created_at.timestamp(),
        Sort.OLDEST: lambda hit: hit.image.created_at,
        Sort.LARGEST: lambda hit: -hit.image.width * hit.image.height,
    }
)


def in_order(groups: Sequence[Group], sort: Sort) -> tuple[Group, ...]:
    """Return groups with their images in an order, ranks anew; ties stay in that of verdicts."""
    if sort is Sort.VERDICT:
        return tuple(groups)
    return tuple(
        replace(group, hits=_ranked(sorted(group.hits, key=_KEYS[sort]))) for group in groups
    )


def _ranked(hits: Sequence[ImageHit]) -> tuple[ImageHit, ...]:
    return tuple(replace(hit, rank=position) for position, hit in enumerate(hits, start=1))
