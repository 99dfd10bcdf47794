"""The protocol `parts`, as the command reads it."""

from ml.commands.flags import not_negative
from ml.evaluation.protocol import EvaluationProtocol, Flag, Request
from ml.evaluation.report import Report

_COLLAGES = Flag("--collages", not_negative, default=60, help="parts: how many are made as queries")
_PAGES = Flag("--pages", not_negative, default=40, help="parts: how many are made as queries")


def _parts(request: Request) -> Report:
    from ml.evaluation.parts.measure import measure
    from ml.evaluation.parts.report import PartsReport

    options = request.options
    encoder = request.encoder(options.encoder)
    result = measure(
        options.data,
        encoder,
        collages=options.collages,
        pages=options.pages,
        seed=options.seed,
        limit=options.limit,
        batch_size=options.batch_size,
    )
    return PartsReport(
        data=str(options.data),
        encoder=options.encoder,
        spec=encoder.spec,
        seed=options.seed,
        limit=options.limit,
        result=result,
    )


PARTS = EvaluationProtocol(
    name="parts",
    run=_parts,
    needs_encoder=True,
    limits="photos",
    flags=(_COLLAGES, _PAGES),
)
