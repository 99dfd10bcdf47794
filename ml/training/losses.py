"""What training minimises: triplet and InfoNCE, and two terms that hold on to what is known.

Every term takes unit rows of any floating-point type and returns one number, greater is worse.
Distances are cosine distances, 1 − cos, between 0 and 2.
"""

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from ml.training.config import LossConfig
from ml.training.mining import mine

# Below, a float16 or bfloat16 similarity has no digits left; above, all pairs look alike.
TEMPERATURE_RANGE = (0.01, 0.5)


@dataclass(frozen=True, slots=True)
class Batch:
    """What the losses know of a batch of N views beside their embeddings.

    Attributes:
        labels: (N,) int64, equal for views of the same subject.
        media: (N,) int64, equal for views in the same medium.
        is_drawing: (N,) bool, whether the view's medium is anything but a photo.
        sources: (N,) int64, the view's source picture: its row in the bank.
    """

    labels: torch.Tensor
    media: torch.Tensor
    is_drawing: torch.Tensor
    sources: torch.Tensor


class TripletLoss(nn.Module):
    """The mean of max(0, d(anchor, positive) − d(anchor, negative) + margin) over listed triplets.

    Which triplets are listed is `ml.training.mining`'s business.
    """

    def __init__(self, margin: float) -> None:
        super().__init__()
        self._loss = nn.TripletMarginWithDistanceLoss(
            distance_function=cosine_distance, margin=margin
        )

    def forward(self, embeddings: torch.Tensor, triplets: torch.Tensor) -> torch.Tensor:
        """Return the mean over the triplets, 0 where there are none.

        Args:
            embeddings: (N, D), unit rows.
            triplets: (T, 3) int64 rows: anchor, positive, negative.
        """
        if len(triplets) == 0:
            return embeddings.sum() * 0  # keeps the gradient's path
        anchors, positives, negatives = embeddings[triplets].unbind(dim=1)
        loss: torch.Tensor = self._loss(anchors, positives, negatives)
        return loss


class InfoNceLoss(nn.Module):
    """Each anchor has to tell its positive from all negatives in the batch.

    For every pair (i, p) of rows with the same label, with s = cos / temperature:

        loss(i, p) = −log( exp(s_ip) / (exp(s_ip) + Σ exp(s_in) over all n with another label) )

    and the mean over all pairs. With two views a subject the denominator is over every other row of
    the batch; with more, a subject's other positives are in no denominator, so that they are
    not pushed apart. Symmetric means that every pair counts in both directions; one-sided, that
    only the earlier row of a pair is an anchor.

    The temperature is learned as its logarithm and clamped to `TEMPERATURE_RANGE`.

    Source: van den Oord, Li, Vinyals, "Representation Learning with Contrastive Predictive Coding",
    2018, eq. 4; the learned temperature: Radford et al., "CLIP", 2021, section 2.5.
    """

    def __init__(self, temperature: float, *, is_symmetric: bool) -> None:
        super().__init__()
        self._is_symmetric = is_symmetric
        self.log_temperature = nn.Parameter(torch.tensor(math.log(temperature)))

    def temperature(self) -> torch.Tensor:
        """Return the temperature in use, a scalar within `TEMPERATURE_RANGE`."""
        low, high = TEMPERATURE_RANGE
        return self.log_temperature.exp().clamp(low, high)

    @torch.no_grad()
    def clamp(self) -> None:
        """Put the learned number itself back into its range, where gradients reach it again."""
        low, high = TEMPERATURE_RANGE
        self.log_temperature.clamp_(math.log(low), math.log(high))

    def forward(
        self, embeddings: torch.Tensor, labels: torch.Tensor, alike: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return the mean over all pairs, 0 where there are none.

        Args:
            embeddings: (N, D), unit rows.
            labels: (N,) int64.
            alike: (N, N) bool, pairs of rows that are no negatives although their labels differ.
        """
        scores = embeddings @ embeddings.T / self.temperature().to(embeddings.dtype)
        is_same = labels[:, None] == labels[None, :]
        pairs = is_same.clone().fill_diagonal_(fill_value=False)
        if not self._is_symmetric:
            pairs = pairs.triu()
        anchors, positives = pairs.nonzero(as_tuple=True)
        if len(anchors) == 0:
            return embeddings.sum() * 0
        ignored = is_same if alike is None else is_same | alike
        negatives = scores.masked_fill(ignored, -torch.inf).logsumexp(dim=1)
        positive_scores = scores[anchors, positives]
        return (torch.logaddexp(positive_scores, negatives[anchors]) - positive_scores).mean()


def anchor_loss(
    embeddings: torch.Tensor, sources: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    """Return the mean of weight · (1 − cos) between views and their sources.

    It keeps a view where the untouched network put the picture that the view was made of.

    Args:
        embeddings: (N, D), unit rows.
        sources: (N, D), unit rows: the untouched network's embeddings of the source pictures.
        weights: (N,) ≥ 0.
    """
    return (weights * cosine_distance(embeddings, sources)).mean()


def relation_loss(
    embeddings: torch.Tensor,
    sources: torch.Tensor,
    bank: torch.Tensor,
    *,
    teacher_temperature: float,
    student_temperature: float,
) -> torch.Tensor:
    """Return how far a view's likeness to all pictures is from its source's.

    The mean over rows of KL(teacher ‖ student): the teacher is the softmax over the bank of the
    source's similarities, the student that of the view's.

    Args:
        embeddings: (N, D), unit rows.
        sources: (N, D), unit rows: the untouched network's embeddings of the source pictures.
        bank: (M, D), unit rows: the untouched network's embeddings of all training pictures.
        teacher_temperature: > 0; the smaller, the fewer neighbours count.
        student_temperature: > 0.

    Source: Fang et al., "SEED: Self-supervised Distillation", ICLR 2021, section 3.2.
    """
    teacher = functional.log_softmax(sources @ bank.T / teacher_temperature, dim=1)
    student = functional.log_softmax(embeddings @ bank.T / student_temperature, dim=1)
    return functional.kl_div(student, teacher, reduction="batchmean", log_target=True)


def cosine_distance(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Return (N,) 1 − cos between the rows of two (N, D) tensors of unit rows."""
    return 1 - (left * right).sum(dim=1)


class CombinedLoss(nn.Module):
    """The weighted sum of the terms that a recipe gives a weight; owns the learned temperature.

    A term of weight 0 is not computed.
    """

    def __init__(self, config: LossConfig, bank: torch.Tensor | None) -> None:
        """Prepare the terms.

        Args:
            config: weights, margin, temperatures and mining.
            bank: (M, D), unit rows, needed by the anchor and relation terms and by `alike_score`
                only. It is not a part of the state: the untouched network makes it again.
        """
        super().__init__()
        self._config = config
        self._triplet = TripletLoss(config.margin)
        self.info_nce = InfoNceLoss(config.temperature, is_symmetric=config.is_symmetric)
        self.info_nce.requires_grad_(requires_grad=config.info_nce_weight > 0)
        self._bank: torch.Tensor | None
        self.register_buffer("_bank", bank, persistent=False)

    def forward(self, embeddings: torch.Tensor, batch: Batch) -> dict[str, torch.Tensor]:
        """Return "loss", their weighted sum, and each term by name, unweighted, all scalars."""
        config = self._config
        terms: dict[str, tuple[float, torch.Tensor]] = {}
        alike = self._alike(batch)
        if config.triplet_weight > 0:
            triplets = mine(
                config.mining,
                embeddings,
                batch.labels,
                batch.media,
                margin=config.margin,
                alike=alike,
            )
            terms["triplet"] = (config.triplet_weight, self._triplet(embeddings, triplets))
        if config.info_nce_weight > 0:
            info_nce = self.info_nce(embeddings, batch.labels, alike)
            terms["info_nce"] = (config.info_nce_weight, info_nce)
        terms |= self._kept(embeddings, batch)
        total = torch.stack([weight * term for weight, term in terms.values()]).sum()
        return {"loss": total} | {name: term.detach() for name, (_, term) in terms.items()}

    def _alike(self, batch: Batch) -> torch.Tensor | None:
        """Return (N, N) bool: sources so alike that calling them different subjects is a guess."""
        if self._bank is None or self._config.alike_score is None:
            return None
        sources = self._bank[batch.sources]
        return sources @ sources.T > self._config.alike_score

    def _kept(
        self, embeddings: torch.Tensor, batch: Batch
    ) -> dict[str, tuple[float, torch.Tensor]]:
        config = self._config
        if self._bank is None:
            return {}
        bank = self._bank.to(embeddings.dtype)
        sources = bank[batch.sources]
        terms = {}
        if config.anchor_photo_weight > 0 or config.anchor_drawing_weight > 0:
            photo = embeddings.new_tensor(config.anchor_photo_weight)
            drawing = embeddings.new_tensor(config.anchor_drawing_weight)
            weights = torch.where(batch.is_drawing, drawing, photo)
            terms["anchor"] = (1.0, anchor_loss(embeddings, sources, weights))
        if config.relation_weight > 0:
            relation = relation_loss(
                embeddings,
                sources,
                bank,
                teacher_temperature=config.relation_teacher_temperature,
                student_temperature=config.relation_student_temperature,
            )
            terms["relation"] = (config.relation_weight, relation)
        return terms
