"""An answer as a table: a row a hit, with all that it rests on, for spreadsheets and programs."""

from collections.abc import Iterator
from typing import Any

from catalog.exports import csv_line
from kernel.task_messages import Copy, QueryRegion, RegionHash
from search.presenters.headline import headline
from search.report import AnswerReport, ReportedHit

COLUMNS = (
    *("part", "part_box", "part_pdq", "part_pdq_quality", "rank", "image_id", "title"),
    *("width", "height", "verdict"),
    *("score", "probability", "is_unchecked", "query_region", "query_box", "image_region"),
    *("image_box", "pdq", "pdq_quality", "pdq_bits", "inliers", "is_mirrored"),
    *("query_percent", "image_percent", "outline"),
    *("query_name", "query_sha256", "query_pdq", "query_pdq_quality"),
    *("query_width", "query_height", "copies", "headline"),
    *("encoder", "collection", "weights_sha256", "calibration_sha256", "searched_at"),
)
# So that spreadsheets take it for UTF-8.
_MARK = "\ufeff"


def csv_lines(report: AnswerReport) -> Iterator[str]:
    """Yield the table's lines; boxes and outlines are in pixels of the upright pictures."""
    yield _MARK + csv_line(COLUMNS)
    shared = _of_all(report)
    for each in report.hits:
        row = {**_of_hit(each), **_of_copy(each.hit.copy), **shared}
        yield csv_line(row.get(column) for column in COLUMNS)


def _of_all(report: AnswerReport) -> dict[str, Any]:
    result, version = report.result, report.result.version
    return {
        "query_name": report.query_name,
        "query_sha256": result.query.sha256,
        **_of_hash("query", report.query_pdq),
        "query_width": result.query.width,
        "query_height": result.query.height,
        "copies": result.copies.value,
        "headline": headline(result),
        "encoder": version.encoder,
        "collection": version.collection,
        "weights_sha256": version.weights_sha256,
        "calibration_sha256": report.calibration,
        "searched_at": report.at.isoformat(timespec="seconds"),
    }


def _of_hit(each: ReportedHit) -> dict[str, Any]:
    hit, region = each.hit, each.hit.region
    return {
        "part": _key(each.group.region),
        "part_box": _numbers(each.group.region.box),
        **_of_hash("part", each.group.pdq),
        "rank": hit.rank,
        "image_id": hit.image.pk,
        "title": str(hit.image),
        "width": hit.image.width,
        "height": hit.image.height,
        "verdict": hit.verdict.value,
        "score": hit.score,
        "probability": hit.probability,
        "is_unchecked": hit.is_unchecked,
        "query_region": _key(hit.query),
        "query_box": _numbers(hit.query.box),
        "image_region": None if region is None else str(region.key),
        "image_box": None if each.region_box is None else _numbers(each.region_box),
        "pdq": each.pdq,
        "pdq_quality": each.pdq_quality,
        "pdq_bits": each.pdq_bits,
    }


def _of_copy(copy: Copy | None) -> dict[str, Any]:
    if copy is None:
        return {}
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in copy.outline)
    known: dict[str, Any] = {"outline": corners}
    if copy.overlap is not None:
        known |= {
            "inliers": copy.overlap.inliers,
            "is_mirrored": copy.overlap.is_mirrored,
            "query_percent": round(copy.overlap.query_percent, 1),
            "image_percent": round(copy.overlap.image_percent, 1),
        }
    return known


def _of_hash(name: str, found: RegionHash | None) -> dict[str, Any]:
    if found is None:
        return {}
    return {f"{name}_pdq": found.pdq.hex(), f"{name}_pdq_quality": found.quality}


def _key(region: QueryRegion) -> str:
    return f"{region.kind}-{region.ordinal}"


def _numbers(box: tuple[int, int, int, int]) -> str:
    return ",".join(str(number) for number in box)
