"""The protocols `copies` and `edited-copies`, as the command reads them."""

from ml.commands.flags import positive
from ml.evaluation.protocol import EvaluationProtocol, Flag, Request
from ml.evaluation.report import Report
from ml.evaluation.retrieval.protocol import DISTRACTORS, QUERIES, RESAMPLES

_PAIRS = Flag(
    "--pairs",
    positive,
    default=100_000,
    help="edited-copies: most pairs of different pictures that are compared",
)


def _copies(request: Request) -> Report:
    from ml.evaluation.copies.plan import copies
    from ml.evaluation.retrieval.evaluate import evaluate

    options = request.options
    return evaluate(
        request,
        lambda rng: copies(
            options.data, distractors=options.distractors, limit=options.limit, rng=rng
        ),
        distractors=options.distractors,
    )


def _edited_copies(request: Request) -> Report:
    import numpy as np

    from ml.copies.made.edits import USUAL
    from ml.evaluation.copies.measure import measure
    from ml.evaluation.copies.plan import copies
    from ml.evaluation.copies.report import EditedCopiesReport

    options = request.options
    rng = np.random.default_rng(options.seed)
    plan = copies(
        options.data, distractors=options.distractors, limit=options.limit, rng=rng, grid=USUAL
    )
    return EditedCopiesReport(
        plan=plan,
        data=str(options.data),
        distractors=None if options.distractors is None else str(options.distractors),
        seed=options.seed,
        result=measure(plan, max_pairs=options.pairs, rng=rng),
    )


COPIES = EvaluationProtocol(
    name="copies",
    run=_copies,
    needs_encoder=True,
    compares=True,
    limits="originals",
    flags=(DISTRACTORS, RESAMPLES, QUERIES),
)
EDITED_COPIES = EvaluationProtocol(
    name="edited-copies",
    run=_edited_copies,
    limits="originals",
    flags=(DISTRACTORS, _PAIRS),
)
