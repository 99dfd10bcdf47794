"""The protocol `designs`, as the command reads it."""

from ml.evaluation.protocol import EvaluationProtocol, Request
from ml.evaluation.report import Report


def _designs(request: Request) -> Report:
    import numpy as np

    from ml.evaluation.designs.measure import measure
    from ml.evaluation.designs.report import DesignsReport

    options = request.options
    rng = np.random.default_rng(options.seed)
    return DesignsReport(
        data=str(options.data),
        seed=options.seed,
        pairs=measure(options.data, limit=options.limit, rng=rng),
    )


DESIGNS = EvaluationProtocol(name="designs", run=_designs, limits="designs")
