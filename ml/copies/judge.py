"""Whether one picture is a copy of another that lies on it, or shares no more than its design.

Learned from made pairs by `python -m ml.copies.learning`: copies with edits, and pages of one
design with other content.
"""

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.copies import differences, pdq
from ml.copies.differences import Differences
from ml.copies.pdq import HashDistance
from ml.copies.plausibility import Proposal
from ml.trees.boosted import Trees, load_trees

FEATURES = (
    *differences.NAMES,
    *("inliers", "agreement", "query_overlap", "candidate_overlap", "bits"),
)
# Of what the checks let pass, and of what lacks only in how much of it is found again.
_MIN_PROBABILITY, _SURE = 0.7, 0.95
_WEIGHTS = Path(__file__).with_name("judge.json")


def features(
    found: Differences, proposal: Proposal, distance: HashDistance | None
) -> NDArray[np.float32]:
    """Return (F,) float32: what the judge looks at, in the order of `FEATURES`."""
    inliers = np.log2(1 + len(proposal.pairs))
    bits = distance.bits if distance else pdq.HASH_BITS // 2  # as far as hashes are by chance
    more = (inliers, proposal.agreement, *proposal.overlaps, bits)
    return np.concatenate([found.row(), np.array(more, np.float32)])


def is_copy(
    found: Differences, proposal: Proposal, distance: HashDistance | None, *, is_proved: bool
) -> bool:
    """Return whether what differs is an edit of one picture.

    Args:
        found: what differs.
        proposal: how they lie on each other.
        distance: of their hashes; None where they tell nothing.
        is_proved: whether that is sure already; otherwise the judge has to be.
    """
    probability = _trees().probability(features(found, proposal, distance)[None])[0]
    return bool(probability >= (_MIN_PROBABILITY if is_proved else _SURE))


@cache
def _trees() -> Trees:
    return load_trees(_WEIGHTS)["copy"]
