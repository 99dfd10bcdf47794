"""A query's parts, each with the images that it found: one group of results a part."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice, zip_longest
from typing import Any
from uuid import UUID

from catalog.models import Image, Region
from kernel.task_messages import Copy, ExtractedQuery, QueryRegion, RegionHash
from ml.rules.pair_score import pair_score
from ml.rules.regions import FULL_IMAGE, OBJECT, PANEL
from search.conditions import Sought
from search.verdicts import Verdict, by_score, curve_of, probability
from vectors.index import Hit

# Images in a group, and in all groups of a collage.
MAX_HITS, MAX_HITS_IN_TOTAL = 24, 240
_MIN_HITS = 6


@dataclass(frozen=True, slots=True)
class QueryPart:
    """What one group of results is about, and the regions that are searched for it.

    Attributes:
        region: the full image, a panel, or the box that a person chose.
        searched: indices in `ExtractedQuery.searched`: the region itself, and objects inside it.
    """

    region: QueryRegion
    searched: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two matched regions, and how alike they make the pictures: greater is more similar."""

    query: QueryRegion
    point_id: UUID
    score: float


@dataclass(frozen=True, slots=True)
class ImageHit:
    """An image of the catalogue that a part of the query found.

    Attributes:
        image: the image.
        rank: from 1, within its group.
        verdict: what it is to the query's part.
        score: of the best pair of regions: the cosine of its place (`search.nearest`), less a
            penalty where one is an object; None where the image was found by its hash alone.
        probability: that both show the same subject, 0..1; None where there is no score, or where
            the encoder is not calibrated.
        query: the query's region that matched.
        region: the image's; None where its row is gone.
        copy: the proof, where the verdict has one.
        is_unchecked: whether the time ran out before it was compared with the part.
    """

    image: Image
    rank: int
    verdict: Verdict
    score: float | None
    probability: float | None
    query: QueryRegion
    region: Region | None
    copy: Copy | None
    is_unchecked: bool


@dataclass(frozen=True, slots=True)
class Group:
    """The images that a part of the query found, best first.

    Attributes:
        region: the part.
        hits: the images.
        is_plain: whether there is nothing to see in the part, so that likeness says nothing.
        are_copies_checked: whether all that may be its copies were compared with it; those that
            hits show are proved in any case.
        pdq: the part's hash; None where it is not known.
    """

    region: QueryRegion
    hits: tuple[ImageHit, ...]
    is_plain: bool
    are_copies_checked: bool
    pdq: RegionHash | None = None


def parts_of(extracted: ExtractedQuery, sought: Sought) -> list[QueryPart]:
    """Return the parts that get a group each, with what of them is searched with.

    Panels with the objects inside them, in reading order, and then the full image; of a picture
    without panels the full image with its objects; or the box alone.
    """
    searched = list(enumerate(extracted.searched))
    objects = [
        (index, region)
        for index, region in searched
        if region.kind == OBJECT and sought.asks_with(region)
    ]
    heads = [(index, region) for index, region in searched if region.kind != OBJECT]
    panels = [(index, region) for index, region in heads if region.kind == PANEL]
    parts = []
    for index, region in panels or heads:
        inside = (other for other, each in objects if _is_in(each, region))
        parts.append(QueryPart(region, (index, *inside)))
    full_images = [head for head in heads if panels and head[1].kind == FULL_IMAGE]
    return parts + [QueryPart(region, (index,)) for index, region in full_images]


def hits_a_part(parts: int) -> int:
    """Return how many images each group shows: fewer where there are many groups."""
    return max(_MIN_HITS, min(MAX_HITS, MAX_HITS_IN_TOTAL // max(parts, 1)))


def best_pairs(
    part: QueryPart, extracted: ExtractedQuery, found: Sequence[Sequence[Hit]], *, limit: int
) -> dict[UUID, Pair]:
    """Return the best pair of regions with each of the best images; ties by image id.

    Args:
        part: the query's part.
        extracted: the query.
        found: hits of each of its searched regions.
        limit: images that are returned.
    """
    best: dict[UUID, Pair] = {}
    for index in part.searched:
        region = extracted.searched[index]
        for hit in found[index]:
            pair = Pair(region, hit.point_id, pair_score(region.kind, hit.kind, hit.score))
            known = best.get(hit.image_id)
            if known is None or pair.score > known.score:
                best[hit.image_id] = pair
    return dict(sorted(best.items(), key=lambda one: (-one[1].score, one[0]))[:limit])


def in_turns(
    first: Mapping[UUID, Pair], second: Mapping[UUID, Pair], *, limit: int
) -> dict[UUID, Pair]:
    """Return the first of two lists of pairs, one of each in turn.

    A copy is often near its original alone, and not near what is near that.
    """
    turns = chain.from_iterable(zip_longest(first.items(), second.items()))
    best: dict[UUID, Pair] = {}
    for image_id, pair in (each for each in turns if each is not None):
        best.setdefault(image_id, pair)
    return dict(islice(best.items(), limit))


def rank(
    part: QueryPart,
    pairs: Mapping[UUID, Pair],
    copies: Mapping[UUID, tuple[Region, Copy]],
    images: Mapping[UUID, Image],
    regions: Mapping[UUID, Region],
    *,
    query_sha256: str,
    calibration: Mapping[str, Any] | None,
    is_plain: bool,
    are_copies_checked: bool,
    unchecked_images: Container[UUID],
    limit: int,
) -> Group:
    """Return a part's images: copies first, the best rung on top, shared designs, then by score.

    Of copies, what shares most and is most alike comes first; of designs, what has most inliers.

    Args:
        part: the query's part.
        pairs: image → its best pair.
        copies: image → the region that the part is a copy of, and the proof.
        images: those that can be shown, by id; others are left out.
        regions: by their points' ids.
        query_sha256: of the query's file: an image of the same is identical to the full image.
        calibration: of the encoder version; None where a score tells nothing.
        is_plain: whether there is nothing to see in the part.
        are_copies_checked: whether `copies` are all there are.
        unchecked_images: which the time did not suffice to compare.
        limit: images that are kept.
    """
    curve = curve_of(calibration)
    hits = []
    for image_id in {**pairs, **copies}:
        image, pair = images.get(image_id), pairs.get(image_id)
        if image is None:
            continue
        region, copy = copies.get(image_id, (None, None))
        score = None if pair is None else pair.score
        verdict = _verdict(region, copy, score, calibration)
        if part.region.kind == FULL_IMAGE and image.sha256 == query_sha256:
            verdict = Verdict.IDENTICAL
        if region is None and pair is not None:
            region = regions.get(pair.point_id)
        hits.append(
            ImageHit(
                image=image,
                rank=0,
                verdict=verdict,
                score=score,
                probability=None if score is None else probability(score, curve),
                query=part.region if copy or pair is None else pair.query,
                region=region,
                copy=copy,
                is_unchecked=copy is None and image_id in unchecked_images,
            )
        )
    hits.sort(key=_order)
    kept = (replace(hit, rank=position) for position, hit in enumerate(hits[:limit], start=1))
    return Group(part.region, tuple(kept), is_plain, are_copies_checked)


def _verdict(
    region: Region | None,
    copy: Copy | None,
    score: float | None,
    calibration: Mapping[str, Any] | None,
) -> Verdict:
    if region is not None and copy is not None:
        if copy.is_shared_design:
            return Verdict.SHARED_DESIGN
        # An image that holds the picture in one of its panels is not itself the same picture.
        is_all_of_it = region.kind == Region.Kind.FULL_IMAGE
        is_same = copy.is_near_identical and is_all_of_it
        return Verdict.NEAR_IDENTICAL if is_same else Verdict.EDITED_COPY
    return Verdict.SIMILAR if score is None else by_score(score, calibration)


def _order(hit: ImageHit) -> tuple[int, float, float, UUID]:
    rung = min(hit.verdict.rung, Verdict.SAME_SUBJECT.rung)
    score = hit.score if hit.score is not None else -1.0
    shared = _shared(hit.copy)
    if hit.verdict is Verdict.EDITED_COPY:
        # Areas are measured to a few per cent: of two edits of the whole, the more alike is first.
        shared *= (2 + max(0.0, score)) / 3
    return rung, -shared, -score, hit.image.pk


def _shared(copy: Copy | None) -> float:
    """Return what is shared: the area, 0..1, since other cuts of a photo have less, or inliers."""
    if copy is None:
        return 0.0
    if copy.is_shared_design:
        return 0 if copy.overlap is None else copy.overlap.inliers
    if copy.overlap is None:  # their hashes are nearly the same
        return 1.0
    return copy.overlap.query_percent * copy.overlap.image_percent / 100**2


def _is_in(inner: QueryRegion, outer: QueryRegion) -> bool:
    """Whether the middle of one box lies in the other."""
    x, y = (inner.box[0] + inner.box[2]) / 2, (inner.box[1] + inner.box[3]) / 2
    return outer.box[0] <= x < outer.box[2] and outer.box[1] <= y < outer.box[3]
