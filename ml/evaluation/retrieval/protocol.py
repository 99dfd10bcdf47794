"""The protocols `cross-medium` and `background`, as the command reads them."""

import argparse
from pathlib import Path

from ml.commands.flags import positive
from ml.evaluation.protocol import EvaluationProtocol, Flag, Request, Use
from ml.evaluation.report import Report

EXPANDED = "expanded"
_QUERIES = ("plain", EXPANDED)


def _queries(text: str) -> str:
    if text not in _QUERIES:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(_QUERIES)}")
    return text


RESAMPLES = Flag("--resamples", positive, default=1000)
DISTRACTORS = Flag(
    "--distractors",
    Path,
    help="cross-medium, copies, edited-copies: pictures that no query has a right answer in",
)
QUERIES = Flag(
    "--queries",
    _queries,
    default="plain",
    help="cross-medium, background, copies: expanded adds the order that a search gives, by the "
    "query's middle and its nearest neighbours",
)


def _cross_medium(request: Request) -> Report:
    from ml.evaluation.retrieval.cross_medium import cross_medium
    from ml.evaluation.retrieval.evaluate import evaluate

    options = request.options
    return evaluate(
        request,
        lambda _: cross_medium(options.data, distractors=options.distractors, limit=options.limit),
        distractors=options.distractors,
    )


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
    flags=(RESAMPLES, QUERIES, DISTRACTORS),
)
BACKGROUND = EvaluationProtocol(
    name="background",
    run=_background,
    needs_encoder=True,
    compares=True,
    detector=Use.ALLOWED,
    limits="subjects",
    flags=(RESAMPLES, QUERIES),
)
