"""The protocol `media`, as the command reads it."""

from ml.evaluation.protocol import EvaluationProtocol, Request
from ml.evaluation.report import Report


def _media(request: Request) -> Report:
    from ml.evaluation.media.measure import measure
    from ml.evaluation.media.report import MediaReport

    options = request.options
    pictures, unread = measure(options.data, limit=options.limit)
    return MediaReport(data=str(options.data), pictures=pictures, unread=unread)


MEDIA = EvaluationProtocol(name="media", run=_media, limits="pictures of a medium")
