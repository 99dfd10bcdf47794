"""`python -m ml evaluate`: a protocol on a folder of pictures, as a table and as files."""

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ml.commands.flags import not_negative, positive
from ml.detection import registry as detectors
from ml.detection.base import Detector
from ml.encoders import registry
from ml.encoders.base import Encoder
from ml.errors import MlError
from ml.evaluation.protocol import Request, Use
from ml.evaluation.registry import PROTOCOLS
from ml.evaluation.report import write
from ml.output import check_writable


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
    protocol = PROTOCOLS[options.protocol]
    misfit = protocol.misfit(options)
    if misfit is not None:
        parser.error(misfit)
    named = options.encoder or options.detector or options.data.resolve().name
    output = options.output or default_output(named, protocol.name)
    try:
        check_writable(output)
        report = protocol.run(Request(options, load, load_detector))
        write(report, output)
    except MlError as err:
        sys.stderr.write(f"{err}\n")
        return 2
    sys.stdout.write(f"{report.table()}\nWritten to {output}\n")
    return 0


def default_output(encoder: str, protocol: str) -> Path:
    """Return `evaluation/<encoder>-<protocol>`; of a folder or hub id only what names a file."""
    name = re.sub(r"[^\w.@-]+", "-", encoder.strip("./")).strip("-")
    return Path("evaluation") / f"{name}-{protocol}"


def _parser() -> argparse.ArgumentParser:
    protocols = PROTOCOLS.values()
    without_encoder = [each.name for each in protocols if not each.needs_encoder]
    with_detector = [each.name for each in protocols if each.detector is not Use.REFUSED]
    parser = argparse.ArgumentParser(
        prog="python -m ml evaluate",
        description="Measure how well pictures, panels or objects are found.",
    )
    parser.add_argument(
        "--encoder",
        help=f"a name, or a checkpoint's folder; {', '.join(without_encoder)} take none",
    )
    parser.add_argument("--compare-with", help="another encoder, on the same queries")
    parser.add_argument(
        "--detector", help=f"{', '.join(with_detector)}: a name, or a weights file's path"
    )
    parser.add_argument("--protocol", required=True, choices=PROTOCOLS)
    parser.add_argument("--data", required=True, type=Path, help="the labelled pictures")
    parser.add_argument(
        "--background", type=Path, help="other pictures: adds scores normalised against them"
    )
    parser.add_argument(
        "--output",
        type=Path,
        help="folder of the results; evaluation/<encoder, detector or data>-<protocol>",
    )
    for flag in dict.fromkeys(flag for each in protocols for flag in each.flags):
        parser.add_argument(flag.name, type=flag.type, default=flag.default, help=flag.help)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batch-size", type=positive, default=16)
    parser.add_argument("--seed", type=not_negative, default=0)
    parser.add_argument("--limit", type=positive, help=f"a quick try: most {_limits()}")
    return parser


def _limits() -> str:
    """Return what `--limit` counts, with the protocols that count it."""
    names: dict[str, list[str]] = {}
    for each in PROTOCOLS.values():
        names.setdefault(each.limits, []).append(each.name)
    *first, last = (f"{limits} ({', '.join(group)})" for limits, group in names.items())
    return f"{', '.join(first)} or {last}"
