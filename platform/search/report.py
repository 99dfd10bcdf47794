"""What is reported of an answer, on paper or in a table: the hits, and what they rest on."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from catalog.calibrations import calibration_sha256
from catalog.models import Region
from kernel.task_messages import Box, RegionHash
from ml.rules.hash_distance import MIN_QUALITY, differing_bits
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
        pdq_bits: of 256, by which it differs from that of the part; None where one of them is not
            known or says too little.
    """

    group: Group
    hit: ImageHit
    pdq: str
    pdq_quality: int | None
    pdq_bits: int | None

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

    @property
    def query_pdq(self) -> RegionHash | None:
        """The hash of what was asked with: the picture, or the box that was chosen of it."""
        return self.result.groups[-1].pdq  # the panels' stand before


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
            pdq, quality = (b"", None) if known is None else (bytes(known[0] or b""), known[1])
            yield ReportedHit(group, hit, pdq.hex(), quality, _bits(group, hit, pdq, quality))


def _bits(group: Group, hit: ImageHit, pdq: bytes, quality: int | None) -> int | None:
    """Return by how many bits a part's hash and a region's differ, as `ReportedHit` has it.

    A proof has looked at the picture turned and mirrored, too; else both are taken as they lie.
    """
    if hit.copy is not None and hit.copy.bits is not None:
        return hit.copy.bits
    is_of_part = hit.query == group.region
    if group.pdq is None or quality is None or not is_of_part:
        return None
    if min(group.pdq.quality, quality) < MIN_QUALITY:
        return None
    return differing_bits(group.pdq.pdq, pdq)
