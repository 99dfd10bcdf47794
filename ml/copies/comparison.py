"""The rungs of the ladder that pixels tell: near-identical, edited copy, shared design."""

from dataclasses import dataclass, replace
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.copies import features, judge, pdq
from ml.copies.differences import differences
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
        query, distance = self.features, None
        if query.upright.pdq.is_reliable and candidate.pdq.is_reliable:
            distance = pdq.distance(query.oriented, candidate.pdq.bits)
        proposal = propose(self.matched, candidate.features)
        placement = None if proposal is None else placement_of(proposal)
        near = distance if distance and distance.bits <= pdq.NEAR_IDENTICAL_BITS else None
        if near is not None and (proposal is None or not proposal.is_plausible):
            proposal = by_hash(query.upright.features, candidate.features.features, near)
        verdict = CopyVerdict.NO_COPY if proposal is None else _verdict(proposal, near)
        return CopyComparison(verdict, distance, placement)


def by_hash(query: LocalFeatures, candidate: LocalFeatures, near: HashDistance) -> Proposal:
    """Return that all of the query lies on all of the candidate, as their hashes tell."""
    corners = rectangle(candidate.width, candidate.height)[list(near.orientation.corners)]
    ours = rectangle(query.width, query.height)
    matrix = cv2.getPerspectiveTransform(ours.astype(np.float32), corners.astype(np.float32))
    placed = Homography(matrix.astype(np.float64), query.width, query.height)
    shown = replace(query, is_negative=near.is_negative)
    return Proposal(shown, candidate, placed, np.empty((0, 2), np.intp))


def _verdict(proposal: Proposal, near: HashDistance | None) -> CopyVerdict:
    """Return what a query is that lies on a candidate, by what differs there.

    Args:
        proposal: how it lies, by local features or by hashes that are near.
        near: the distance of the hashes, where they are.
    """
    if near is None and not proposal.is_nearly_plausible:
        return CopyVerdict.SHARED_DESIGN
    found = differences(
        proposal.query, proposal.candidate, proposal.homography, proposal.inlier_points[1][1]
    )
    is_same = near is not None and not near.is_negative
    if found is None:  # too small to tell: what was proved stays
        if is_same:
            return CopyVerdict.NEAR_IDENTICAL
        return CopyVerdict.EDITED_COPY if proposal.is_plausible else CopyVerdict.SHARED_DESIGN
    if is_same and found.are_none():
        return CopyVerdict.NEAR_IDENTICAL
    if near is not None and near.is_negative:  # of which the judge has seen none
        is_copy = found.different <= _MAX_DIFFERENT_IN_NEGATIVE
    else:
        is_proved = near is not None or proposal.is_plausible
        is_copy = judge.is_copy(found, proposal, is_proved=is_proved)
    return CopyVerdict.EDITED_COPY if is_copy else CopyVerdict.SHARED_DESIGN


def extract(picture: NDArray[np.uint8]) -> CopyFeatures:
    """Return what a catalogue keeps of a picture, in about 20 ms.

    Args:
        picture: (H, W, 3) uint8 RGB, upright, any size ≥ 1 px; not changed.
    """
    return CopyFeatures(pdq.pdq_hash(picture), features.extract(picture))


def extract_query(picture: NDArray[np.uint8]) -> QueryCopyFeatures:
    """Return what is compared of a query, in about 25 ms; `picture` as for `extract`."""
    upright, oriented = pdq.oriented_hashes(picture)
    return QueryCopyFeatures(CopyFeatures(upright, features.extract(picture)), oriented)


def compare(query: QueryCopyFeatures, candidate: CopyFeatures) -> CopyComparison:
    """Return what the query is of the candidate, and how that is known.

    Args:
        query: in whichever orientation it came.
        candidate: upright.
    """
    return PreparedQuery.of(query).compare(PreparedCandidate.of(candidate))
