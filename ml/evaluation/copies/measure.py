"""How often edited copies are named, and different pictures wrongly, without any encoder."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from ml.commands.left_out import LeftOut
from ml.copies.comparison import (
    CopyComparison,
    CopyVerdict,
    PreparedCandidate,
    PreparedQuery,
    QueryCopyFeatures,
    extract_query,
)
from ml.errors import EvaluationDataInvalid, MlError
from ml.evaluation.datasets import read_bytes
from ml.evaluation.images import EvaluationImage, read_image
from ml.evaluation.retrieval.plan import Plan

_MS = 1000.0


@dataclass(frozen=True, slots=True)
class Judged:
    """A pair of images, by their indices in the plan, and what was said of it.

    Attributes:
        edit: how the query was made.
        query: what was asked with.
        candidate: what it was compared with.
        verdict: what was found.
        inliers: of the placement; None without one.
        bits: that the hashes differ by; None where they mean nothing.
        ms: that the comparison took.
    """

    edit: str
    query: int
    candidate: int
    verdict: CopyVerdict
    inliers: int | None
    bits: int | None
    ms: float


@dataclass(frozen=True, slots=True)
class EditedCopiesResult:
    """What came of a plan.

    Attributes:
        copies: every query beside its original.
        others: queries beside pictures that they are no copies of.
        unreadable: images that were left out.
    """

    copies: tuple[Judged, ...]
    others: tuple[Judged, ...]
    unreadable: tuple[LeftOut, ...]

    def missed(self) -> tuple[Judged, ...]:
        """Return the copies that were not named."""
        return tuple(pair for pair in self.copies if not pair.verdict.is_copy)

    def false(self) -> tuple[Judged, ...]:
        """Return the others that were, those first that have most inliers."""
        named = [pair for pair in self.others if pair.verdict.is_copy]
        return tuple(sorted(named, key=lambda pair: -(pair.inliers or 0)))


def measure(
    plan: Plan,
    *,
    max_pairs: int,
    rng: np.random.Generator,
    clock: Callable[[], float] = time.perf_counter,
) -> EditedCopiesResult:
    """Compare every copy with its original, and with pictures that it is no copy of.

    Args:
        plan: as `plan.copies` returns it.
        max_pairs: of different pictures; more are drawn from, without repeats.
        rng: draws them.
        clock: seconds, of which only differences matter.

    Raises:
        EvaluationDataInvalid: no copy and its original can be read.
    """
    features, unreadable = _extract(plan.images)
    edits = {index: trial.name for trial in plan.trials[1:] for index in trial.queries}
    gallery = _without_the_same_files(plan)
    originals = {plan.images[index].subject: index for index in gallery}
    originals.pop(None, None)

    def judge(pairs: Sequence[tuple[int, int]], says: str) -> tuple[Judged, ...]:
        judged = []
        asked, prepared = None, None  # pairs of one query follow each other
        for query, candidate in tqdm(pairs, desc=says, unit="", disable=None):
            first, second = features[query], features[candidate]
            if first is not None and second is not None:
                if asked != query or prepared is None:
                    asked, prepared = query, PreparedQuery.of(first)
                started = clock()
                found = prepared.compare(PreparedCandidate.of(second.upright))
                ms = _MS * (clock() - started)
                judged.append(_judged(edits[query], query, candidate, found, ms))
        return tuple(judged)

    copies = judge([(index, originals[plan.images[index].subject]) for index in edits], "copies")
    if not copies:
        raise EvaluationDataInvalid("No copy and its original can be read.")
    others = judge(_different(plan, tuple(edits), gallery, max_pairs, rng), "other pairs")
    return EditedCopiesResult(copies, others, unreadable)


def _extract(
    images: Sequence[EvaluationImage],
) -> tuple[list[QueryCopyFeatures | None], tuple[LeftOut, ...]]:
    features: list[QueryCopyFeatures | None] = []
    unreadable = []
    for image in tqdm(images, desc="pictures", unit="", disable=None):
        try:
            features.append(extract_query(np.asarray(read_image(image))))
        except MlError as err:
            features.append(None)
            unreadable.append(LeftOut(image.name, str(err)))
    return features, tuple(unreadable)


def _without_the_same_files(plan: Plan) -> tuple[int, ...]:
    """Return the indices of the gallery, less distractors that are the very file of an original."""
    gallery = plan.trials[0].gallery
    known = {_sha256(plan.images[index]) for index in gallery if index not in plan.distractors}
    return tuple(
        index
        for index in gallery
        if index not in plan.distractors or _sha256(plan.images[index]) not in known
    )


def _sha256(image: EvaluationImage) -> str:
    try:
        return hashlib.sha256(read_bytes(image.path)).hexdigest()
    except MlError:  # reported where its features are extracted
        return str(image.path)


def _different(
    plan: Plan,
    queries: Sequence[int],
    gallery: Sequence[int],
    limit: int,
    rng: np.random.Generator,
) -> list[tuple[int, int]]:
    """Return pairs of a query and a picture that is neither its original nor partly in it."""
    total = len(queries) * len(gallery)
    drawn = np.sort(rng.choice(total, min(limit, total), replace=False))
    pairs = [(queries[index // len(gallery)], gallery[index % len(gallery)]) for index in drawn]
    images = plan.images
    return [
        (query, entry)
        for query, entry in pairs
        if images[query].subject != images[entry].subject
        and images[query].also_shows != images[entry].path
    ]


def _judged(edit: str, query: int, candidate: int, found: CopyComparison, ms: float) -> Judged:
    return Judged(
        edit,
        query,
        candidate,
        found.verdict,
        inliers=None if found.placement is None else found.placement.inliers,
        bits=None if found.distance is None else found.distance.bits,
        ms=ms,
    )
