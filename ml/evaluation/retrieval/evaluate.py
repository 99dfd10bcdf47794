"""A retrieval from the plan to the report: images embedded, systems scored."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ml.evaluation.embedding import embed
from ml.evaluation.protocol import Request
from ml.evaluation.retrieval import trials
from ml.evaluation.retrieval.plan import Plan, with_background
from ml.evaluation.retrieval.report import RetrievalReport
from ml.evaluation.retrieval.systems import systems_of


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
    systems = systems_of(plan, embedded, named)
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
