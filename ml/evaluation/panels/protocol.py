"""The protocol `panels`, as the command reads it."""

from ml.evaluation.protocol import EvaluationProtocol, Request
from ml.evaluation.report import Report


def _panels(request: Request) -> Report:
    from ml.evaluation.panels.examine import examine

    return examine(request.options.data, limit=request.options.limit)


PANELS = EvaluationProtocol(name="panels", run=_panels, limits="pictures of a kind")
