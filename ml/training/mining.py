"""Which triplets of a batch the triplet loss is computed over.

A triplet is three rows of the batch: an anchor, a positive (same label, another row) and a negative
(other label). Every method is deterministic; among equals the lowest row is taken.
"""

from typing import assert_never

import torch

from ml.training.config import Mining


def mine(
    method: Mining,
    embeddings: torch.Tensor,
    labels: torch.Tensor,
    media: torch.Tensor,
    *,
    margin: float,
    alike: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the triplets that a method finds in a batch.

    Args:
        method: which triplets:
            "all": every triplet there is;
            "hard": for each anchor its farthest positive with its closest negative;
            "semi_hard": for each pair of anchor and positive the closest negative that is farther
            than the positive, but by less than the margin; a pair without one gives none;
            "cross_medium": as "hard", but the positive is from another medium than the anchor; an
            anchor without one gives none.
        embeddings: (N, D) floating point, unit rows; no gradient flows through the choice.
        labels: (N,) int64, equal for views of the same subject.
        media: (N,) int64, equal for views in the same medium.
        margin: the triplet loss's, in cosine distance; only "semi_hard" uses it.
        alike: (N, N) bool, pairs of rows that are no negatives although their labels differ.

    Returns:
        (T, 3) int64 rows anchor, positive, negative, in ascending order; T may be 0.

    Source: hard: Hermans, Beyer, Leibe, "In Defense of the Triplet Loss", 2017, eq. 5; semi-hard:
        Schroff, Kalenichenko, Philbin, "FaceNet", CVPR 2015, section 3.2.
    """
    if not len(embeddings) == len(labels) == len(media):
        raise ValueError(
            f"{len(embeddings)} embeddings, {len(labels)} labels and {len(media)} media differ."
        )
    with torch.no_grad():
        distances = 1 - embeddings @ embeddings.T
        negatives = labels[:, None] != labels[None, :]
        if alike is not None:
            negatives &= ~alike
        positives = _positives(labels)
        match method:
            case "all":
                return _all(positives, negatives)
            case "hard":
                return _hardest(distances, positives, negatives)
            case "semi_hard":
                return _semi_hard(distances, positives, negatives, margin)
            case "cross_medium":
                is_elsewhere = media[:, None] != media[None, :]
                return _hardest(distances, positives & is_elsewhere, negatives)
            case _:
                assert_never(method)


def _all(positives: torch.Tensor, negatives: torch.Tensor) -> torch.Tensor:
    return (positives[:, :, None] & negatives[:, None, :]).nonzero()


def _semi_hard(
    distances: torch.Tensor,
    positives: torch.Tensor,
    negatives: torch.Tensor,
    margin: float,
) -> torch.Tensor:
    """Return at most one triplet for each pair of an anchor and a positive."""
    anchors, others = positives.nonzero(as_tuple=True)
    to_positive = distances[anchors, others][:, None]
    to_others = distances[anchors]
    is_semi_hard = (
        negatives[anchors] & (to_others > to_positive) & (to_others < to_positive + margin)
    )
    closest = to_others.masked_fill(~is_semi_hard, torch.inf).argmin(dim=1)
    found = is_semi_hard.any(dim=1)
    return torch.stack([anchors, others, closest], dim=1)[found]


def _hardest(
    distances: torch.Tensor, positives: torch.Tensor, negatives: torch.Tensor
) -> torch.Tensor:
    """Return one triplet for each anchor that has both a positive and a negative."""
    farthest = distances.masked_fill(~positives, -torch.inf).argmax(dim=1)
    closest = distances.masked_fill(~negatives, torch.inf).argmin(dim=1)
    rows = torch.arange(len(distances), device=distances.device)
    found = positives.any(dim=1) & negatives.any(dim=1)
    return torch.stack([rows, farthest, closest], dim=1)[found]


def _positives(labels: torch.Tensor) -> torch.Tensor:
    """Return (N, N) bool: the same label, but not the same row."""
    return (labels[:, None] == labels[None, :]).fill_diagonal_(fill_value=False)
