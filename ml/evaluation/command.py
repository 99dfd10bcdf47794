"""`python -m ml evaluate`: a protocol on a folder of pictures, as a table and as files."""

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ml.detection import registry as detectors
from ml.detection.base import Detector
from ml.encoders import registry
from ml.encoders.base import Encoder
from ml.errors import MlError
from ml.evaluation.copies import edited_copies, edits
from ml.evaluation.copies.report import EditedCopiesReport
from ml.evaluation.embedding import embed
from ml.evaluation.files import FAILURES, JSON, MARKDOWN, write_texts
from ml.evaluation.objects import report as objects
from ml.evaluation.panels import report as panels
from ml.evaluation.parts import measure as parts
from ml.evaluation.parts.report import PartsReport
from ml.evaluation.retrieval import plan as protocols
from ml.evaluation.retrieval import sheets as plots
from ml.evaluation.retrieval import trials
from ml.evaluation.retrieval.plan import Plan
from ml.evaluation.retrieval.report import Report
from ml.flags import not_negative, positive
from ml.output import check_writable, replaced_files

EDITED_COPIES, PANELS, OBJECTS, PARTS = "edited-copies", "panels", "objects", "parts"
WITHOUT_ENCODER = (EDITED_COPIES, PANELS, OBJECTS)
WITH_DETECTOR = (OBJECTS, "background")
PROTOCOLS = ("cross-medium", "background", "copies", PARTS, *WITHOUT_ENCODER)
CURVES = "precision_recall.png"


def main(
    argv: Sequence[str],
    *,
    load: Callable[..., Encoder] = registry.load,
    load_detector: Callable[..., Detector] = detectors.load,
) -> int:
    """Evaluate, print the table and write the files; return the exit status, 0 or 2.

    Args:
        argv: the words after `evaluate`. What goes wrong is one sentence on stderr.
        load: returns an encoder by name, called as `registry.load` is.
        load_detector: returns a detector by name, called as `ml.detection.registry.load` is.
    """
    parser = _parser()
    options = parser.parse_args(argv)
    _check_models(parser, options)
    named = options.encoder or options.detector or options.data.resolve().name
    output = options.output or default_output(named, options.protocol)
    try:
        check_writable(output)
        report: (
            Report | EditedCopiesReport | panels.PanelReport | objects.ObjectReport | PartsReport
        )
        if options.protocol == PANELS:
            report = panels.examine(options.data, limit=options.limit)
            panels.write(report, output)
        elif options.protocol == OBJECTS:
            report = _evaluate_objects(options, load_detector)
            objects.write(report, output)
        elif options.protocol == EDITED_COPIES:
            report = _evaluate_edited_copies(options)
            report.write(output)
        elif options.protocol == PARTS:
            report = _evaluate_parts(options, load)
            report.write(output)
        else:
            report = _evaluate(options, load, load_detector)
            _write(report, output)
    except MlError as err:
        sys.stderr.write(f"{err}\n")
        return 2
    sys.stdout.write(f"{report.table()}\nWritten to {output}\n")
    return 0


def default_output(encoder: str, protocol: str) -> Path:
    """Return `evaluation/<encoder>-<protocol>`; of a folder or hub id only what names a file."""
    name = re.sub(r"[^\w.@-]+", "-", encoder.strip("./")).strip("-")
    return Path("evaluation") / f"{name}-{protocol}"


def _check_models(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Exit with a sentence where the protocol and what it is asked for do not fit."""
    needs_encoder = options.protocol not in WITHOUT_ENCODER
    if needs_encoder and options.encoder is None:
        parser.error(f"--protocol {options.protocol} needs --encoder")
    if not needs_encoder and (options.encoder or options.compare_with or options.background):
        parser.error(f"--protocol {options.protocol} takes no encoder and no background")
    if options.protocol == PARTS and (options.compare_with or options.background):
        parser.error(f"--protocol {PARTS} takes one encoder and no background")
    if needs_encoder and options.compare_with == options.encoder:
        parser.error("--compare-with names the same encoder")
    if options.detector and options.protocol not in WITH_DETECTOR:
        parser.error(f"--protocol {options.protocol} takes no detector")
    if options.protocol == OBJECTS and not options.detector:
        parser.error(f"--protocol {OBJECTS} needs --detector")


def _evaluate_objects(
    options: argparse.Namespace, load_detector: Callable[..., Detector]
) -> objects.ObjectReport:
    detector = load_detector(options.detector, device=options.device, batch_size=options.batch_size)
    return objects.examine(
        options.data, detector, batch_size=options.batch_size, limit=options.limit
    )


def _evaluate_edited_copies(options: argparse.Namespace) -> EditedCopiesReport:
    rng = np.random.default_rng(options.seed)
    plan = protocols.copies(
        options.data,
        distractors=options.distractors,
        limit=options.limit,
        rng=rng,
        grid=edits.USUAL,
    )
    return EditedCopiesReport(
        plan=plan,
        data=str(options.data),
        distractors=None if options.distractors is None else str(options.distractors),
        seed=options.seed,
        outcome=edited_copies.measure(plan, most_pairs=options.pairs, rng=rng),
    )


def _evaluate_parts(options: argparse.Namespace, load: Callable[..., Encoder]) -> PartsReport:
    encoder = load(options.encoder, device=options.device, batch_size=options.batch_size)
    outcome = parts.measure(
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
        outcome=outcome,
    )


def _evaluate(
    options: argparse.Namespace,
    load: Callable[..., Encoder],
    load_detector: Callable[..., Detector],
) -> Report:
    rng = np.random.default_rng(options.seed)
    plan = _plan(options, rng)
    choices = [options.encoder, *([options.compare_with] if options.compare_with else [])]
    encoders = [
        load(choice, device=options.device, batch_size=options.batch_size) for choice in choices
    ]
    detector = None
    if options.detector:
        detector = load_detector(
            options.detector, device=options.device, batch_size=options.batch_size
        )
    embedded = embed(plan.views, encoders, batch_size=options.batch_size, detector=detector)
    named = [(choice, encoder.spec) for choice, encoder in zip(choices, encoders, strict=True)]
    systems = trials.systems_of(plan, embedded, named)
    outcome = trials.run(plan, embedded, systems, resamples=options.resamples, rng=rng)
    return Report(
        plan=plan,
        data=str(options.data),
        distractors=None if options.distractors is None else str(options.distractors),
        background=None if options.background is None else str(options.background),
        data_sha256=embedded.data_sha256,
        seed=options.seed,
        resamples=options.resamples,
        limit=options.limit,
        unreadable=embedded.unreadable,
        systems=tuple(systems),
        outcome=outcome,
        detector=None if detector is None else detector.spec,
    )


def _plan(options: argparse.Namespace, rng: np.random.Generator) -> Plan:
    if options.protocol == "cross-medium":
        plan = protocols.cross_medium(options.data, limit=options.limit)
    elif options.protocol == "background":
        plan = protocols.background(options.data, limit=options.limit)
    else:
        plan = protocols.copies(
            options.data, distractors=options.distractors, limit=options.limit, rng=rng
        )
    if options.background is None:
        return plan
    return protocols.with_background(plan, options.background)


def _write(report: Report, output: Path) -> None:
    # The JSON last: where it is new, so is all the rest.
    with replaced_files(output, (CURVES, FAILURES, MARKDOWN, JSON)) as scratch:
        pictures = []
        if plots.draw_curves(report.outcome.rows, scratch / CURVES):
            pictures.append(("Precision and recall", CURVES))
        if plots.draw_failures(report.outcome.failures, report.plan.views, scratch / FAILURES):
            pictures.append((f"Worst failures of {report.systems[0].label}", FAILURES))
        write_texts(scratch, markdown=report.markdown(pictures=pictures), values=report.to_json())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ml evaluate",
        description="Measure how well pictures, panels or objects are found.",
    )
    parser.add_argument(
        "--encoder",
        help=f"a name, or a checkpoint's folder; {', '.join(WITHOUT_ENCODER)} take none",
    )
    parser.add_argument("--compare-with", help="another encoder, on the same queries")
    parser.add_argument(
        "--detector", help=f"{', '.join(WITH_DETECTOR)}: a name, or a weights file's path"
    )
    parser.add_argument("--protocol", required=True, choices=PROTOCOLS)
    parser.add_argument("--data", required=True, type=Path, help="the labelled pictures")
    parser.add_argument(
        "--distractors",
        type=Path,
        help="copies, edited-copies: pictures that no query is a copy of",
    )
    parser.add_argument(
        "--background", type=Path, help="other pictures: adds scores normalised against them"
    )
    parser.add_argument(
        "--output",
        type=Path,
        help="folder of the results; evaluation/<encoder, detector or data>-<protocol>",
    )
    parser.add_argument(
        "--pairs",
        type=positive,
        default=100_000,
        help="edited-copies: most pairs of different pictures that are compared",
    )
    parser.add_argument(
        "--collages", type=not_negative, default=60, help="parts: how many are made as queries"
    )
    parser.add_argument(
        "--pages", type=not_negative, default=40, help="parts: how many are made as queries"
    )
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batch-size", type=positive, default=16)
    parser.add_argument("--seed", type=not_negative, default=0)
    parser.add_argument("--resamples", type=positive, default=1000)
    parser.add_argument(
        "--limit",
        type=positive,
        help="a quick try: most pictures of a subject in a medium (cross-medium), subjects"
        " (background), originals (copies), pictures of a kind (panels), pictures (objects) or"
        " photos (parts)",
    )
    return parser
