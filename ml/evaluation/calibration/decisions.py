"""Pairs that people decided about, as `manage.py export_decisions` writes them, for a calibration.

They come from what a search showed, which is where scores are high and doubtful: there they say
more than pairs drawn from folders.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.encoders.base import Encoder
from ml.errors import EvaluationDataInvalid
from ml.evaluation.embedding import embed
from ml.evaluation.images import EvaluationImage

_IS_SAME = {"copy": True, "same_subject": True, "different": False}


@dataclass(frozen=True, slots=True)
class DecisionList:
    """What a file of decisions says, before any picture is opened.

    Attributes:
        pairs: of two pictures, ordered, and whether both show the same subject; each pair once.
        conflicting: pairs that are called the same and different; they are left out of `pairs`.
        sha256: of the file.
    """

    pairs: dict[tuple[Path, Path], bool]
    conflicting: int
    sha256: str


@dataclass(frozen=True, slots=True)
class DecidedPairs:
    """Scores of pairs that people decided about.

    Attributes:
        scores: (P,) float32.
        is_same: (P,) bool.
        data_sha256: of the file and the pictures.
        remarks: what is to be said of them: how many are used, how many left out and why.
    """

    scores: NDArray[np.float32]
    is_same: NDArray[np.bool_]
    data_sha256: str
    remarks: tuple[str, ...]


def read(path: Path) -> DecisionList:
    """Return what a file of decisions says.

    Args:
        path: JSONL of `a`, `b` (pictures, relative to the file's folder) and `verdict`: "copy",
            "same_subject" or "different"; what else a line has is passed over.

    Raises:
        EvaluationDataInvalid: the file cannot be read, or a line is none of these.
    """
    try:
        data = path.read_bytes()
        lines = data.decode("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as err:
        raise EvaluationDataInvalid(f"{path} cannot be read: {err}", path=str(path)) from err
    judged: dict[tuple[Path, Path], set[bool]] = {}
    for number, line in enumerate(lines, start=1):
        if line.strip():
            pair, is_same = _read_line(path, number, line)
            judged.setdefault(pair, set()).add(is_same)
    pairs = {pair: next(iter(said)) for pair, said in judged.items() if len(said) == 1}
    return DecisionList(pairs, len(judged) - len(pairs), hashlib.sha256(data).hexdigest())


def _read_line(path: Path, number: int, line: str) -> tuple[tuple[Path, Path], bool]:
    try:
        values = json.loads(line)
        names = values["a"], values["b"]
        is_same = _IS_SAME[values["verdict"]]
        if not all(isinstance(name, str) and name and "\0" not in name for name in names):
            raise ValueError("a and b are paths")
    except (ValueError, KeyError, TypeError, RecursionError) as err:
        raise EvaluationDataInvalid(
            f"Line {number} of {path.name} is no decision: it needs a, b and a verdict of"
            f" {', '.join(_IS_SAME)}.",
            line=number,
        ) from err
    first, second = sorted(Path(os.path.normpath(path.parent / name)) for name in names)
    return (first, second), is_same


def embed_decided(decided: DecisionList, encoder: Encoder, *, batch_size: int) -> DecidedPairs:
    """Return the scores of the pairs of a file; those with an unreadable picture are left out.

    Raises:
        EvaluationDataInvalid: there is no pair, or not one picture can be read.
        OutOfDeviceMemory, NonFiniteEmbedding: as `ml.evaluation.embedding.embed`.
    """
    if not decided.pairs:
        raise EvaluationDataInvalid("The file of decisions has no pair that people agree about.")
    paths = sorted({path for pair in decided.pairs for path in pair})
    images = [EvaluationImage(str(path), path, None, unit=str(path)) for path in paths]
    embedded = embed(images, [encoder], batch_size=batch_size)
    index = {path: number for number, path in enumerate(paths)}
    rows = np.array([[index[first], index[second]] for first, second in decided.pairs])
    is_readable = embedded.is_readable[rows].all(axis=1)
    first, second = embedded.embeddings[0][rows[is_readable]].transpose(1, 0, 2)
    judged = np.array(list(decided.pairs.values()), np.bool_)
    contents = "\n".join([decided.sha256, *embedded.sha256])
    return DecidedPairs(
        scores=(first * second).sum(axis=1),
        is_same=judged[is_readable],
        data_sha256=hashlib.sha256(contents.encode()).hexdigest(),
        remarks=_remarks(
            int(is_readable.sum()), decided, [each.name for each in embedded.unreadable]
        ),
    )


def _remarks(used: int, decided: DecisionList, unreadable: Sequence[str]) -> tuple[str, ...]:
    lines = [f"Decisions: {used} pairs used."]
    if decided.conflicting:
        lines.append(f"Left out: {decided.conflicting} pairs called the same and different.")
    if left := len(decided.pairs) - used:
        lines.append(f"Left out: {left} pairs with a picture that cannot be read.")
    return (*lines, *(f"Left out: {name}" for name in unreadable))
