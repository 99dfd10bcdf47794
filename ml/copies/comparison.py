"""The rungs of the ladder that pixels tell: near-identical, edited copy, shared design."""

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.copies import features, judge, pdq
from ml.copies.differences import Differences, differences
from ml.copies.features import LocalFeatures
from ml.copies.homography import Homography, rectangle
from ml.copies.matching import Matchable, MatchQuery
from ml.copies.pdq import HashDistance, PdqHash
from ml.copies.plausibility import Proposal
from ml.copies.verification import Placement, placement_of, propose

# Of what is structured: film and paper make other tones of the darkest and the brightest.
_MAX_DIFFERENT_IN_NEGATIVE = 0.2


class CopyVerdict(StrEnum):
    """What one picture is of another, the best proved first."""

    NEAR_IDENTICAL = "near-identical"
    EDITED_COPY = "edited copy"
    SHARED_DESIGN = "shared design"
    NO_COPY = "no copy"

    @property
    def is_copy(self) -> bool:
        """Whether one picture was made from the other."""
        return self in (CopyVerdict.NEAR_IDENTICAL, CopyVerdict.EDITED_COPY)


@dataclass(frozen=True, slots=True, eq=False)
class CopyFeatures:
    """What a catalogue keeps of a picture.

    Attributes:
        pdq: its hash and quality.
        features: its local features.
    """

    pdq: PdqHash
    features: LocalFeatures


@dataclass(frozen=True, slots=True, eq=False)
class QueryCopyFeatures:
    """What is looked for.

    Attributes:
        upright: the picture as it came.
        oriented: (8, 32) uint8, its hashes in all orientations.
    """

    upright: CopyFeatures
    oriented: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class CopyComparison:
    """A verdict and its evidence.

    Attributes:
        verdict: the first rung that holds.
        distance: of the hashes; None where one of the pictures has too little in it.
        placement: of the query in the candidate; None where none was found by local features, as
            in pictures with little texture, which a hash can still tell.
    """

    verdict: CopyVerdict
    distance: HashDistance | None
    placement: Placement | None


@dataclass(frozen=True, slots=True, eq=False)
class PreparedCandidate:
    """What a catalogue keeps of a picture, and what of it is computed once for all queries."""

    pdq: PdqHash
    features: Matchable

    @classmethod
    def of(cls, candidate: CopyFeatures) -> "PreparedCandidate":
        """Return a candidate that is ready to be compared; it takes 0.4 MB at most."""
        return cls(candidate.pdq, Matchable.of(candidate.features))


@dataclass(frozen=True, slots=True, eq=False)
class PreparedQuery:
    """What is looked for, and what of it is computed once for all candidates."""

    features: QueryCopyFeatures
    matched: MatchQuery

    @classmethod
    def of(cls, query: QueryCopyFeatures) -> "PreparedQuery":
        """Return a query that is ready to be compared with many."""
        return cls(query, MatchQuery.of(query.upright.features))

    def compare(self, candidate: PreparedCandidate) -> CopyComparison:
        """Return what the query is of a candidate; see `compare`."""
        pair = self.lay(candidate)
        verdict, placement = _verdict(pair), None
        if pair.proposal is not None and verdict is not CopyVerdict.NO_COPY:
            placement = placement_of(pair.proposal)
        return CopyComparison(verdict, pair.distance, placement)

    def lay(self, candidate: PreparedCandidate) -> "LaidPair":
        """Return how the query lies on a candidate, as local features and hashes tell."""
        query, distance = self.features, None
        if query.upright.pdq.is_reliable and candidate.pdq.is_reliable:
            distance = pdq.distance(query.oriented, candidate.pdq.bits)
        proposal = judged = propose(self.matched, candidate.features)
        if distance and distance.is_near and not (proposal and proposal.is_plausible):
            judged = by_hash(query.upright.features, candidate.features.features, distance)
        return LaidPair(distance, proposal, judged)


@dataclass(frozen=True, eq=False)
class LaidPair:
    """How a query may lie on a candidate, before what differs there is looked at.

    Attributes:
        distance: of the hashes; None where one of the pictures has too little in it.
        proposal: of local features.
        judged: the proposal, or what near hashes tell where it is not plausible.
    """

    distance: HashDistance | None
    proposal: Proposal | None
    judged: Proposal | None

    @property
    def is_near(self) -> bool:
        """Whether the hashes are."""
        return self.distance is not None and self.distance.is_near

    @property
    def is_proved(self) -> bool:
        """Whether how they lie is sure."""
        return self.is_near or (self.judged is not None and self.judged.is_plausible)

    @cached_property
    def differences(self) -> Differences | None:
        """What differs; None where they do not lie on each other, or have too little in common."""
        pair = self.judged
        if pair is None or not (self.is_proved or pair.is_nearly_plausible):
            return None
        (_, _), (_, points) = pair.inlier_points
        return differences(pair.query, pair.candidate, pair.homography, points)


def by_hash(query: LocalFeatures, candidate: LocalFeatures, near: HashDistance) -> Proposal:
    """Return that all of the query lies on all of the candidate, as their hashes tell."""
    corners = rectangle(candidate.width, candidate.height)[list(near.orientation.corners)]
    ours = rectangle(query.width, query.height)
    matrix = cv2.getPerspectiveTransform(ours.astype(np.float32), corners.astype(np.float32))
    placed = Homography(matrix.astype(np.float64), query.width, query.height)
    shown = replace(query, is_negative=near.is_negative)
    return Proposal(shown, candidate, placed, np.empty((0, 2), np.intp))


def _verdict(pair: LaidPair) -> CopyVerdict:
    """Return what a query is that lies on a candidate, by what differs there."""
    if pair.judged is None:
        return CopyVerdict.NO_COPY
    found = pair.differences
    is_negative = pair.is_near and pair.judged.query.is_negative
    if pair.is_near and not is_negative and (found is None or found.are_none()):
        return CopyVerdict.NEAR_IDENTICAL
    if found is None:  # too small to tell: what was proved stays
        is_copy = pair.judged.is_plausible
    elif is_negative:  # of which the judge has seen none
        is_copy = found.different <= _MAX_DIFFERENT_IN_NEGATIVE
    else:
        is_copy = judge.is_copy(found, pair.judged, pair.distance, is_proved=pair.is_proved)
    if is_copy:
        return CopyVerdict.EDITED_COPY
    is_shared = pair.is_proved or pair.judged.shares_an_object
    return CopyVerdict.SHARED_DESIGN if is_shared else CopyVerdict.NO_COPY


def extract(picture: NDArray[np.uint8]) -> CopyFeatures:
    """Return what a catalogue keeps of a picture, in about 20 ms.

    Args:
        picture: (H, W, 3) uint8 RGB, upright, any size ≥ 1 px; not changed.
    """
    return CopyFeatures(pdq.pdq_hash(picture), features.extract(picture))


def extract_query(picture: NDArray[np.uint8]) -> QueryCopyFeatures:
    """Return what is compared of a query, in about 25 ms; `picture` as for `extract`."""
    upright, oriented = pdq.oriented_hashes(picture)
    # A query may be what a smaller picture was pasted into.
    found = features.extract(picture, is_spread=True)
    return QueryCopyFeatures(CopyFeatures(upright, found), oriented)


def compare(query: QueryCopyFeatures, candidate: CopyFeatures) -> CopyComparison:
    """Return what the query is of the candidate, and how that is known.

    Args:
        query: in whichever orientation it came.
        candidate: upright.
    """
    return PreparedQuery.of(query).compare(PreparedCandidate.of(candidate))
