"""`python -m ml calibrate`: from labelled pictures to what an encoder's scores mean."""

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.commands.flags import not_negative, positive
from ml.encoders import registry
from ml.encoders.base import Encoder
from ml.encoders.checkpoint_files import is_checkpoint
from ml.errors import MlError, OutputUnwritable
from ml.evaluation.calibration import decisions, fitting
from ml.evaluation.calibration.decisions import DecidedPairs
from ml.evaluation.calibration.fitting import Calibration, CalibrationOrigin
from ml.evaluation.datasets import read_subjects
from ml.evaluation.embedding import embed
from ml.evaluation.images import EvaluationImage
from ml.output import check_writable, replaced_files

# 4 million pairs fix a curve of one variable; more of 3,000 pictures would only take memory.
_MAX_PICTURES = 2_800


def main(argv: Sequence[str], *, load: Callable[..., Encoder] = registry.load) -> int:
    """Calibrate, print the thresholds and write the file; return the exit status, 0 or 2.

    Args:
        argv: the words after `calibrate`. What goes wrong is one sentence on stderr.
        load: returns an encoder by name, called as `registry.load` is.
    """
    options = _parser().parse_args(argv)
    output = options.output or default_output(options.encoder)
    try:
        if output.is_dir():
            raise OutputUnwritable(f"{output} is a folder, not a file.", path=str(output))
        check_writable(output.parent)
        made, remarks = _calibrate(options, load)
        with replaced_files(output.parent, (output.name,)) as scratch:
            text = json.dumps(made.to_json(), indent=2, allow_nan=False)
            (scratch / output.name).write_text(text + "\n", encoding="utf-8")
    except MlError as err:
        sys.stderr.write(f"{err}\n")
        return 2
    sys.stdout.write("\n".join([*_summary(made), *remarks, f"Written to {output}"]) + "\n")
    return 0


def default_output(encoder: str) -> Path:
    """Return `calibration.json` beside a checkpoint's weights, or in the current folder."""
    folder = Path(encoder)
    return folder / fitting.FILE if is_checkpoint(folder) else Path(fitting.FILE)


def labelled_pairs(
    embeddings: NDArray[np.float32], subjects: Sequence[str]
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.int64]]:
    """Return every pair of two different pictures once.

    Args:
        embeddings: (N, D), rows of unit length.
        subjects: of each.

    Returns:
        (P,) score, (P,) whether the subject is the same, and (P,) the index of the pair's first
        picture; P = N · (N − 1) / 2.
    """
    first, second = np.triu_indices(len(subjects), k=1)
    codes = np.unique(np.asarray(subjects), return_inverse=True)[1]
    scores = (embeddings @ embeddings.T)[first, second]
    return scores, codes[first] == codes[second], first.astype(np.int64)


def _calibrate(
    options: argparse.Namespace, load: Callable[..., Encoder]
) -> tuple[Calibration, list[str]]:
    rng = np.random.default_rng(options.seed)
    pictures = read_subjects(options.data)
    remarks = []
    if len(pictures) > _MAX_PICTURES:
        remarks.append(f"Of {len(pictures)} pictures, {_MAX_PICTURES} drawn at random were used.")
        chosen = rng.choice(len(pictures), _MAX_PICTURES, replace=False)
        pictures = [pictures[index] for index in np.sort(chosen)]
    encoder = load(options.encoder, device=options.device, batch_size=options.batch_size)
    images = [EvaluationImage(p.name, p.path, p.subject, unit=p.name) for p in pictures]
    embedded = embed(images, [encoder], batch_size=options.batch_size)
    remarks += [f"Left out: {each.name}: {each.reason}" for each in embedded.unreadable]
    (indices,) = np.nonzero(embedded.is_readable)
    scores, is_same, groups = labelled_pairs(
        embedded.embeddings[0][indices], [pictures[index].subject for index in indices]
    )
    decided = None
    if options.decisions is not None:
        decided = decisions.embed_decided(
            decisions.read(options.decisions), encoder, batch_size=options.batch_size
        )
        remarks += decided.remarks
        weighted = np.repeat(np.arange(len(decided.scores)), options.decision_weight)
        scores = np.concatenate([scores, decided.scores[weighted]])
        is_same = np.concatenate([is_same, decided.is_same[weighted]])
        # Each a group of its own: no other pair tells of it.
        groups = np.concatenate([groups, len(pictures) + weighted])
    origin = CalibrationOrigin(
        encoder=encoder.spec.name,
        weights_sha256=encoder.spec.weights_sha256,
        preprocessing_sha256=encoder.spec.preprocess.sha256(),
        data_sha256=_sha256_of_all(embedded.data_sha256, decided),
        pictures=len(indices),
        pairs=len(scores),
        positive_pairs=int(is_same.sum()),
        decided_pairs=0 if decided is None else len(decided.scores),
    )
    made = fitting.fit(
        scores, is_same, groups, origin=origin, rng=rng, precisions=options.precision
    )
    return made, remarks


def _sha256_of_all(labelled: str, decided: DecidedPairs | None) -> str:
    """Return the hash of the labelled data, and of what was decided beside it."""
    if decided is None:
        return labelled
    return hashlib.sha256(f"{labelled}{decided.data_sha256}".encode()).hexdigest()


def _summary(made: Calibration) -> list[str]:
    origin = made.origin
    losses = ", ".join(f"{name} {loss:.4f}" for name, loss in made.held_out_log_loss.items())
    lines = [
        f"{origin.encoder}: {origin.pairs} pairs of {origin.pictures} pictures,"
        f" {origin.positive_pairs / origin.pairs:.1%} of the same subject",
        f"Held-out log loss: {losses}, without scores {made.base_log_loss:.4f};"
        f" chosen: {made.method}",
    ]
    for point in made.thresholds:
        if point.threshold is None or point.precision is None:
            lines.append(f"Precision {point.asked_precision:.1%}: no threshold reaches it")
            continue
        lines.append(
            f"Precision {point.asked_precision:.1%}: score ≥ {point.threshold:.4f}"
            f" (precision {point.precision:.2%}, recall {point.recall:.2%},"
            f" {round(point.recall * origin.positive_pairs)} right pairs)"
        )
    return lines


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ml calibrate", description="Find what an encoder's scores mean."
    )
    parser.add_argument("--encoder", required=True, help="a name, or a checkpoint's folder")
    parser.add_argument(
        "--data", required=True, type=Path, help="folders medium/subject or subject, or labels.csv"
    )
    parser.add_argument(
        "--decisions",
        type=Path,
        help="pairs that people decided about, beside the data: JSONL, as `manage.py"
        " export_decisions` writes it",
    )
    parser.add_argument(
        "--decision-weight",
        type=positive,
        default=1,
        help="as how many labelled pairs each decision counts",
    )
    parser.add_argument(
        "--output",
        type=Path,
        help=f"the file; {fitting.FILE} beside a checkpoint's weights, else in this folder",
    )
    parser.add_argument(
        "--precision",
        type=_share,
        nargs="+",
        default=fitting.DEFAULT_PRECISIONS,
        help="those that thresholds are wanted for, above 0, at most 1",
    )
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batch-size", type=positive, default=16)
    parser.add_argument("--seed", type=not_negative, default=0)
    return parser


def _share(text: str) -> float:
    value = float(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and at most 1")
    return value
