"""The ways to score pairs of a plan's images: by each encoder alone, and as a search does."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.encoders.base import EncoderSpec
from ml.errors import EvaluationDataInvalid
from ml.evaluation.embedding import Embedded, ObjectEmbeddings
from ml.evaluation.retrieval import normalisation
from ml.evaluation.retrieval.plan import Plan
from ml.rules import query_expansion
from ml.rules.pair_score import pair_score
from ml.rules.regions import FULL_IMAGE, OBJECT, RegionKind


@dataclass(frozen=True, slots=True)
class System:
    """One way to score pairs: an encoder, with or without normalisation or objects.

    Attributes:
        label: what the report calls it; unique in a report.
        spec: of the encoder.
        embeddings: (N, D) float32 of the plan's images.
        bias: (N,) float32, see `normalisation.bias`; None scores with the cosine itself.
        objects: those of the images; None scores full images only. Not both.
        middles: (N, D) float32 of the middles of images that are asked with; None scores with
            cosines, in their order, and no query is expanded.
    """

    label: str
    spec: EncoderSpec
    embeddings: NDArray[np.float32]
    bias: NDArray[np.float32] | None = None
    objects: ObjectEmbeddings | None = None
    middles: NDArray[np.float32] | None = None

    def score(self, queries: NDArray[np.int64], gallery: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return (Q, G) scores of images at these indices."""
        scores = self.embeddings[queries] @ self.embeddings[gallery].T
        if self.middles is not None:
            asked = query_expansion.with_middle(self.embeddings[queries], self.middles[queries])
            scores = _in_order_of_expanded(scores, asked, self.embeddings[gallery])
        if self.objects is not None:
            return _with_objects(scores, self.embeddings, self.objects, queries, gallery)
        if self.bias is None:
            return scores
        return normalisation.normalised(scores, self.bias[queries], self.bias[gallery])


def systems_of(
    plan: Plan,
    embedded: Embedded,
    encoders: Sequence[tuple[str, EncoderSpec]],
    middles: Sequence[NDArray[np.float32]] = (),
) -> list[System]:
    """Return each encoder's cosines, normalised, in the order of a search, and with objects.

    Args:
        plan: its background decides about normalised scores.
        embedded: as `embedding.embed` returns it for the same encoders; whether it has objects
            decides about the last.
        encoders: label and spec of each.
        middles: one an encoder, see `System`; none leaves expanded queries out.

    Raises:
        EvaluationDataInvalid: there is a background and none of it can be read, or all of it is
            among the evaluated pictures.
    """
    unused = set(plan.background)
    evaluated = {embedded.sha256[index] for index in range(len(plan.images)) if index not in unused}
    background = [
        index
        for index in plan.background
        if embedded.is_readable[index] and embedded.sha256[index] not in evaluated
    ]
    if plan.background and not background:
        raise EvaluationDataInvalid("No background picture is readable and of no other use.")
    systems = []
    for number, (label, spec) in enumerate(encoders):
        embeddings = embedded.embeddings[number]
        systems.append(System(label, spec, embeddings))
        if background:
            bias = normalisation.bias(embeddings, embeddings[background])
            systems.append(System(f"{label}, normalised", spec, embeddings, bias))
        of_queries = middles[number] if middles else None
        if of_queries is not None:
            systems.append(System(f"{label}, expanded", spec, embeddings, middles=of_queries))
        if embedded.objects:
            objects = embedded.objects[number]
            systems.append(System(f"{label}, with objects", spec, embeddings, objects=objects))
            if of_queries is not None:
                both = f"{label}, expanded, with objects"
                systems.append(System(both, spec, embeddings, objects=objects, middles=of_queries))
    return systems


def _in_order_of_expanded(
    scores: NDArray[np.float32], asked: NDArray[np.float32], gallery: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return (Q, G) scores, each query's dealt to its gallery in the order of the expanded query.

    Args:
        scores: (Q, G) cosines.
        asked: (Q, D) the queries with their middles.
        gallery: (G, D).
    """
    reordered = np.empty_like(scores)
    for row, query in enumerate(asked):
        first = gallery @ query
        others = np.flatnonzero(scores[row] < query_expansion.ITSELF)
        nearest = others[np.argsort(-first[others])[: query_expansion.SCORES]]
        weights = query_expansion.neighbour_weights(first[nearest])
        refined = query_expansion.expanded(query, gallery[nearest[: len(weights)]], weights)
        order = np.argsort(-(gallery @ refined))
        reordered[row, order] = query_expansion.scores_in_order(scores[row])
    return reordered


def _with_objects(
    scores: NDArray[np.float32],
    embeddings: NDArray[np.float32],
    objects: ObjectEmbeddings,
    queries: NDArray[np.int64],
    gallery: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Return (Q, G) the best score of all pairs of regions, given those of the full images."""
    asked, searched = (_regions(embeddings, objects, indices) for indices in (queries, gallery))
    best = scores
    for query_kind, query_rows, query_is_there in asked:
        for kind, rows, is_there in searched:
            pairs = pair_score(query_kind, kind, query_rows @ rows.T)
            is_pair = query_is_there[:, None] & is_there[None, :]
            best = np.where(is_pair, np.maximum(best, pairs), best)
    return best


def _regions(
    embeddings: NDArray[np.float32], objects: ObjectEmbeddings, indices: NDArray[np.int64]
) -> list[tuple[RegionKind, NDArray[np.float32], NDArray[np.bool_]]]:
    """Return kind, (P, D) embeddings and (P,) whether there is one: the full image, each object."""
    regions: list[tuple[RegionKind, NDArray[np.float32], NDArray[np.bool_]]] = [
        (FULL_IMAGE, embeddings[indices], np.ones(len(indices), np.bool_))
    ]
    regions += [
        (OBJECT, objects.embeddings[indices, column], objects.is_there[indices, column])
        for column in range(objects.is_there.shape[1])
    ]
    return regions
