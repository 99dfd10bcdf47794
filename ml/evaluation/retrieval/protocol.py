"""The protocols `cross-medium` and `background`, as the command reads them."""

from ml.commands.flags import positive
from ml.evaluation.protocol import EvaluationProtocol, Flag, Request, Use
from ml.evaluation.report import Report

RESAMPLES = Flag("--resamples", positive, default=1000)


def _cross_medium(request: Request) -> Report:
    from ml.evaluation.retrieval.cross_medium import cross_medium
    from ml.evaluation.retrieval.evaluate import evaluate

    options = request.options
    return evaluate(request, lambda _: cross_medium(options.data, limit=options.limit))


def _background(request: Request) -> Report:
    from ml.evaluation.retrieval.background import background
    from ml.evaluation.retrieval.evaluate import evaluate

    options = request.options
    return evaluate(request, lambda _: background(options.data, limit=options.limit))


CROSS_MEDIUM = EvaluationProtocol(
    name="cross-medium",
    run=_cross_medium,
    needs_encoder=True,
    compares=True,
    limits="pictures of a subject in a medium",
    flags=(RESAMPLES,),
)
BACKGROUND = EvaluationProtocol(
    name="background",
    run=_background,
    needs_encoder=True,
    compares=True,
    detector=Use.ALLOWED,
    limits="subjects",
    flags=(RESAMPLES,),
)
