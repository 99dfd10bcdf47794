"""What is reported of an answer, on paper or in a table: the hits, and what they rest on."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from catalog.calibrations import calibration_sha256
from catalog.models import Region
from kernel.task_messages import Box
from search.groups import Group, ImageHit
from search.services import SearchResult


@dataclass(frozen=True, slots=True)
class ReportedHit:
    """One hit, with the part of the query that found it.

    Attributes:
        group: the part's.
        hit: the hit.
        pdq: of the region that was found, hexadecimal; "" where it has none.
        pdq_quality: 0..100; None where there is no hash.
    """

    group: Group
    hit: ImageHit
    pdq: str
    pdq_quality: int | None

    @property
    def region_box(self) -> Box | None:
        """Where in the image the region lies."""
        region = self.hit.region
        return None if region is None else (region.x0, region.y0, region.x1, region.y1)


@dataclass(frozen=True, slots=True)
class AnswerReport:
    """An answer, and when it was given.

    Attributes:
        result: the answer.
        query_name: what the asked picture is called.
        hits: of all parts, each part's best first.
        calibration: the hash of the encoder's calibration; "" where it has none.
        at: when.
    """

    result: SearchResult
    query_name: str
    hits: tuple[ReportedHit, ...]
    calibration: str
    at: datetime


def report_on(result: SearchResult, *, query_name: str) -> AnswerReport:
    """Return what is reported of an answer; the hashes of its regions are read for it."""
    calibration = result.version.calibration
    return AnswerReport(
        result=result,
        query_name=query_name,
        hits=tuple(_hits(result)),
        calibration="" if calibration is None else calibration_sha256(calibration),
        at=timezone.now(),
    )


def _hits(result: SearchResult) -> Iterator[ReportedHit]:
    regions = {
        hit.region.pk for group in result.groups for hit in group.hits if hit.region is not None
    }
    rows = Region.objects.filter(pk__in=regions, pdq__isnull=False).order_by()
    hashes = {
        pk: (pdq, quality) for pk, pdq, quality in rows.values_list("pk", "pdq", "pdq_quality")
    }
    for group in result.groups:
        for hit in group.hits:
            known = hashes.get(hit.region.pk) if hit.region is not None else None
            pdq, quality = ("", None) if known is None else (bytes(known[0] or b"").hex(), known[1])
            yield ReportedHit(group, hit, pdq, quality)
