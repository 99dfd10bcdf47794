"""A retrieval from the plan to the report: images embedded, systems scored."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.encoders.base import Encoder
from ml.evaluation.embedding import embed
from ml.evaluation.images import EvaluationImage
from ml.evaluation.protocol import Request
from ml.evaluation.retrieval import trials
from ml.evaluation.retrieval.plan import Plan, with_background
from ml.evaluation.retrieval.protocol import EXPANDED
from ml.evaluation.retrieval.report import RetrievalReport
from ml.evaluation.retrieval.systems import systems_of
from ml.rules.query_expansion import middle_of


def evaluate(
    request: Request,
    make_plan: Callable[[np.random.Generator], Plan],
    *,
    distractors: Path | None = None,
) -> RetrievalReport:
    """Return how well the encoders that were asked for find what a plan asks.

    Args:
        request: names encoders, detector and background.
        make_plan: called with the generator that later draws the resamples.
        distractors: the folder of the plan's distractors; None without.

    Raises:
        MlError: the data ask nothing, or a model cannot be loaded or run.
    """
    options = request.options
    rng = np.random.default_rng(options.seed)
    plan = make_plan(rng)
    if options.background is not None:
        plan = with_background(plan, options.background)
    names = [options.encoder, *([options.compare_with] if options.compare_with else [])]
    encoders = [request.encoder(name) for name in names]
    detector = request.detector() if options.detector else None
    embedded = embed(plan.images, encoders, batch_size=options.batch_size, detector=detector)
    named = [(name, encoder.spec) for name, encoder in zip(names, encoders, strict=True)]
    is_expanded = options.queries == EXPANDED
    middles = _middles(plan, encoders, batch_size=options.batch_size) if is_expanded else ()
    systems = systems_of(plan, embedded, named, middles)
    result = trials.run(plan, embedded, systems, resamples=options.resamples, rng=rng)
    return RetrievalReport(
        plan=plan,
        data=str(options.data),
        distractors=None if distractors is None else str(distractors),
        background=None if options.background is None else str(options.background),
        data_sha256=embedded.data_sha256,
        seed=options.seed,
        resamples=options.resamples,
        limit=options.limit,
        unreadable=embedded.unreadable,
        systems=tuple(systems),
        result=result,
        detector=None if detector is None else detector.spec,
    )


def _middles(
    plan: Plan, encoders: Sequence[Encoder], *, batch_size: int
) -> list[NDArray[np.float32]]:
    """Return (N, D) of each encoder: of images that are asked with, their middles; zeros else."""
    queries = sorted({index for trial in plan.trials for index in trial.queries})
    images = [_middle_of(plan.images[index]) for index in queries]
    found = embed(images, encoders, batch_size=batch_size)
    rows = []
    for encoder, embeddings in zip(encoders, found.embeddings, strict=True):
        rows.append(np.zeros((len(plan.images), encoder.spec.dim), np.float32))
        rows[-1][queries] = embeddings
    return rows


def _middle_of(image: EvaluationImage) -> EvaluationImage:
    def make(picture: Image.Image) -> Image.Image:
        made = image.make(picture)
        return made.crop(middle_of(made.width, made.height))

    return replace(image, make=make)
