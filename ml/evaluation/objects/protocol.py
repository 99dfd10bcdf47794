"""The protocol `objects`, as the command reads it."""

from ml.evaluation.protocol import EvaluationProtocol, Request, Use
from ml.evaluation.report import Report


def _objects(request: Request) -> Report:
    from ml.evaluation.objects.examine import examine

    options = request.options
    return examine(
        options.data, request.detector(), batch_size=options.batch_size, limit=options.limit
    )


OBJECTS = EvaluationProtocol(name="objects", run=_objects, detector=Use.NEEDED, limits="pictures")
