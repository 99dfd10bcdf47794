"""The two rungs of the ladder that are proved by pixels: near-identical, then edited copy."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from ml.copies import features, pdq
from ml.copies.features import LocalFeatures
from ml.copies.pdq import HashDistance, PdqHash
from ml.copies.verification import Placement, verify


class Verdict(StrEnum):
    """What one picture is of another, the surest first."""

    NEAR_IDENTICAL = "near-identical"
    EDITED_COPY = "edited copy"
    NO_COPY = "no copy"


@dataclass(frozen=True, slots=True, eq=False)
class Description:
    """What is compared of a picture.

    Attributes:
        pdq: its hash and quality.
        oriented: (8, 32) uint8, its hashes in all orientations; only a query's are looked at.
        features: its local features.
    """

    pdq: PdqHash
    oriented: NDArray[np.uint8]
    features: LocalFeatures


@dataclass(frozen=True, slots=True)
class Comparison:
    """A verdict and its evidence.

    Attributes:
        verdict: the first rung that holds.
        distance: of the hashes; None where one of the pictures has too little in it.
        placement: of the query in the candidate; None where it was not needed or not found.
    """

    verdict: Verdict
    distance: HashDistance | None
    placement: Placement | None


def describe(picture: NDArray[np.uint8]) -> Description:
    """Return what is compared of a picture, in about 120 ms.

    Args:
        picture: (H, W, 3) uint8 RGB, upright, any size ≥ 1 px; not changed.
    """
    return Description(
        pdq.pdq_hash(picture), pdq.oriented_hashes(picture), features.extract(picture)
    )


def compare(query: Description, candidate: Description) -> Comparison:
    """Return whether the query is a copy of the candidate, and how that is known.

    Args:
        query: in whichever orientation it came.
        candidate: upright.
    """
    distance = None
    if query.pdq.is_reliable and candidate.pdq.is_reliable:
        distance = pdq.distance(query.oriented, candidate.pdq.bits)
        if distance.bits <= pdq.NEAR_IDENTICAL_BITS:
            return Comparison(Verdict.NEAR_IDENTICAL, distance, None)
    placement = verify(query.features, candidate.features)
    verdict = Verdict.NO_COPY if placement is None else Verdict.EDITED_COPY
    return Comparison(verdict, distance, placement)
