"""The two rungs of the ladder that are proved by pixels: near-identical, then edited copy."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from ml.copies import features, pdq
from ml.copies.features import LocalFeatures
from ml.copies.matching import Matchable, MatchQuery
from ml.copies.pdq import HashDistance, PdqHash
from ml.copies.verification import Placement, verify_prepared


class CopyVerdict(StrEnum):
    """What one picture is of another, the best proved first."""

    NEAR_IDENTICAL = "near-identical"
    EDITED_COPY = "edited copy"
    NO_COPY = "no copy"


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
        placement: of the query in the candidate; None where none was found, as in pictures with
            little texture, which a hash can still tell.
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
        """Return whether the query is a copy of a candidate; see `compare`."""
        query, distance = self.features, None
        if query.upright.pdq.is_reliable and candidate.pdq.is_reliable:
            distance = pdq.distance(query.oriented, candidate.pdq.bits)
        placement = verify_prepared(self.matched, candidate.features)
        if distance is not None and distance.bits <= pdq.NEAR_IDENTICAL_BITS:
            return CopyComparison(CopyVerdict.NEAR_IDENTICAL, distance, placement)
        verdict = CopyVerdict.NO_COPY if placement is None else CopyVerdict.EDITED_COPY
        return CopyComparison(verdict, distance, placement)


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
    """Return whether the query is a copy of the candidate, and how that is known.

    Args:
        query: in whichever orientation it came.
        candidate: upright.
    """
    return PreparedQuery.of(query).compare(PreparedCandidate.of(candidate))
