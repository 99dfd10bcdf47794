"""How the answer to a search is given to programs: as JSON."""

from typing import Any

from catalog.models import Region
from catalog.presenters import region_thumbnail_url, thumbnail_url
from kernel.task_messages import Copy, QueryRegion
from search import filter_fields
from search.groups import Group, ImageHit
from search.presenters.addresses import search_address
from search.presenters.headline import headline
from search.question import Wait
from search.services import SearchResult


def as_json(result: SearchResult) -> dict[str, Any]:
    """Return the answer for a program. Boxes are x0, y0, x1, y1 in pixels, half-open.

    `headline` is a sentence in the language that is asked for; `verdict_counts` has its numbers,
    each image counted once, at the best of its verdicts.

    `copies` is "checked"; or "pending" where the question waited for hits alone, or "unchecked"
    where they took too long: then the same answer with its copies is at `proofs_url`.
    """
    image = result.asked.image
    return {
        "query": {
            "id": None if image else str(result.asked.stored.id),
            "image_id": str(image.pk) if image else None,
            "width": result.query.width,
            "height": result.query.height,
            "layout": result.layout,
            "medium": result.query_medium,
            "regions": [_region_json(region) for region in result.regions],
        },
        "headline": headline(result),
        "verdict_counts": _counts_json(result),
        "filters": filter_fields.as_json(result.filters),
        "sort": result.sort.value,
        "groups": [_group_json(group) for group in result.groups],
        "facets": [{"label": facet.label, "images": facet.images} for facet in result.facets],
        "are_copies_checked": result.are_copies_checked,
        "copies": result.copies.value,
        "proofs_url": search_address(
            result.asked,
            box=result.box,
            filters=result.filters,
            sort=result.sort,
            wait=Wait.PROOFS,
        ),
        "model_ms": result.model_ms,
        "total_ms": result.total_ms,
    }


def _counts_json(result: SearchResult) -> dict[str, Any]:
    counts = result.counts
    return {
        **{verdict.value: many for verdict, many in counts.by_verdict.items()},
        "copies": counts.copies,
        "searched": result.searched,
        "may_be_more": counts.may_be_more,
    }


def _region_json(region: QueryRegion) -> dict[str, Any]:
    return {
        "key": f"{region.kind}-{region.ordinal}",
        "box": list(region.box),
        "label": region.label,
        "confidence": region.confidence,
    }


def _group_json(group: Group) -> dict[str, Any]:
    return {
        "region": _region_json(group.region),
        "hits": [hit_json(hit) for hit in group.hits],
        "is_plain": group.is_plain,
        "are_copies_checked": group.are_copies_checked,
    }


def hit_json(hit: ImageHit) -> dict[str, Any]:
    """Return one image found."""
    image, copy, region = hit.image, hit.copy, hit.region
    return {
        "image_id": str(image.pk),
        "rank": hit.rank,
        "verdict": hit.verdict.value,
        "score": hit.score,
        "probability": hit.probability,
        "title": str(image),
        "url": image.get_absolute_url(),
        "thumbnail_url": thumbnail_url(image),
        "width": image.width,
        "height": image.height,
        "query_region": _region_json(hit.query),
        "image_region": None if region is None else _image_region_json(region),
        "is_unchecked": hit.is_unchecked,
        "copy": None
        if copy is None
        else {"bits": copy.bits, "outline": copy.outline, "overlap": overlap_json(copy)},
    }


def _image_region_json(region: Region) -> dict[str, Any]:
    return {
        "key": str(region.key),
        "box": [region.x0, region.y0, region.x1, region.y1],
        "label": region.label,
        "confidence": region.confidence,
        "thumbnail_url": region_thumbnail_url(region),
    }


def overlap_json(copy: Copy) -> dict[str, Any] | None:
    """Return how two pictures lie over each other; None where it is not known."""
    if copy.overlap is None:
        return None
    return {
        "inliers": copy.overlap.inliers,
        "is_mirrored": copy.overlap.is_mirrored,
        "query_percent": round(copy.overlap.query_percent),
        "image_percent": round(copy.overlap.image_percent),
    }
