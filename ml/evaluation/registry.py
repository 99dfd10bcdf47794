"""The protocols of `python -m ml evaluate`: a line each, in the order that `--help` has."""

from ml.evaluation.copies.protocol import COPIES, EDITED_COPIES
from ml.evaluation.designs.protocol import DESIGNS
from ml.evaluation.media.protocol import MEDIA
from ml.evaluation.objects.protocol import OBJECTS
from ml.evaluation.panels.protocol import PANELS
from ml.evaluation.parts.protocol import PARTS
from ml.evaluation.protocol import EvaluationProtocol
from ml.evaluation.retrieval.protocol import BACKGROUND, CROSS_MEDIUM

PROTOCOLS: dict[str, EvaluationProtocol] = {
    protocol.name: protocol
    for protocol in (
        CROSS_MEDIUM,
        BACKGROUND,
        COPIES,
        PARTS,
        EDITED_COPIES,
        DESIGNS,
        PANELS,
        OBJECTS,
        MEDIA,
    )
}
