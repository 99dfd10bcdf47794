"""The last step of an embedding: differences that tell no subject from another are made small."""

import torch
from torch import nn
from torch.nn import functional

# Keeps the square root's slope finite at 0, where many outputs behind a ReLU lie.
_MIN_MAGNITUDE = 1e-6


class Whitening(nn.Module):
    """Maps a network's outputs to rows whose cosine is the score; holds nothing that is trained.

    Each output is replaced by its signed square root, so that a few great ones do not decide alone;
    a stored centre is subtracted and a stored matrix applied.

    Sources: Perronnin, Sánchez, Mensink, "Improving the Fisher kernel for large-scale image
    classification", ECCV 2010, section 3.2 (square roots); Hatch, Kajarekar, Stolcke, "Within-class
    covariance normalization for SVM-based speaker recognition", Interspeech 2006 (the matrix).
    """

    def __init__(self, centre: torch.Tensor, projection: torch.Tensor) -> None:
        """Take over what was fitted.

        Args:
            centre: (D,), any floating-point type; kept as float32.
            projection: (D, D), the same.

        Raises:
            ValueError: the shapes do not fit each other, or a number is not finite.
        """
        super().__init__()
        centre, projection = centre.detach().float(), projection.detach().float()
        if centre.ndim != 1 or projection.shape != (len(centre), len(centre)):
            raise ValueError(
                f"a whitening of shapes {tuple(centre.shape)} and {tuple(projection.shape)}"
            )
        if not (torch.isfinite(centre).all() and torch.isfinite(projection).all()):
            raise ValueError("a whitening that is not finite")
        self.centre: torch.Tensor
        self.projection: torch.Tensor
        self.register_buffer("centre", centre)
        self.register_buffer("projection", projection)

    def forward(self, outputs: torch.Tensor) -> torch.Tensor:
        """Return (N, D) float32 rows, not of unit length, of (N, D) float32 outputs of any."""
        return (_rooted(outputs) - self.centre) @ self.projection


def fit(outputs: torch.Tensor, labels: torch.Tensor, *, ridge: float) -> Whitening:
    """Return the whitening by the differences between views of the same subject.

    With the covariance C of those differences, the matrix is (C + ridge · mean eigenvalue · I) to
    the power of -1/2, scaled so that it lengthens nothing.

    Args:
        outputs: (N, D) a network's outputs; D ≥ 1.
        labels: (N,) int64, equal for views of the same subject; two of some subject at least.
        ridge: > 0; the greater, the more alike all directions are treated.

    Raises:
        ValueError: no subject has two views.
    """
    rows = _rooted(outputs).double().cpu()
    subjects, members = torch.unique(labels.cpu(), return_inverse=True)
    freedom = len(rows) - len(subjects)
    if freedom < 1:
        raise ValueError("no subject has two views")
    sums = rows.new_zeros(len(subjects), rows.shape[1]).index_add_(0, members, rows)
    differences = rows - (sums / members.bincount()[:, None])[members]
    variances, directions = torch.linalg.eigh(differences.T @ differences / freedom)
    eased = variances.clamp(min=0) + ridge * variances.mean().clamp(min=torch.finfo().tiny)
    scales = (eased.min() / eased).sqrt()
    return Whitening(rows.mean(dim=0), (directions * scales) @ directions.T)


def _rooted(outputs: torch.Tensor) -> torch.Tensor:
    rows = functional.normalize(outputs, dim=1)
    return functional.normalize(rows / (rows.abs() + _MIN_MAGNITUDE).sqrt(), dim=1)
