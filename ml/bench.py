"""How fast pictures are taken apart, hashes looked up and copies proved, each on one core."""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import faiss
import numpy as np
from numpy.typing import NDArray

from ml.copies import features, pdq
from ml.copies.lookup import HashLookup
from ml.copies.verification import verify
from ml.errors import MlError, NoPictures
from ml.evaluation.datasets import list_pictures, read_bytes
from ml.evaluation.tables import aligned
from ml.flags import positive
from ml.images.decode import decode
from ml.panels import split
from ml.rules.limits import MAX_PIXELS

PANELS, COPIES = "panels", "copies"
_SIZE_PX = (1600, 1200)
_HASHES, _SEED = 100_000, 0
# What each may take, in milliseconds; of panels at 1600 × 1200.
_MOST_MS = {PANELS: 60.0, "lookup": 5.0, "verify": 40.0}
_CUT = 0.15  # of each side, off a picture that a copy is made of
_MS = 1000.0

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Times:
    """How long one kind of work took, case by case.

    Attributes:
        name: what was done.
        cases: N ≥ 1 of them, as a person knows them.
        ms: N: the least of the rounds, as whatever else the machine does only adds.
        most_ms: what it may take; None without a limit.
    """

    name: str
    cases: tuple[str, ...]
    ms: tuple[float, ...]
    most_ms: float | None

    @property
    def is_kept(self) -> bool:
        """Whether no case took longer than it may."""
        return self.most_ms is None or max(self.ms) <= self.most_ms

    def cells(self) -> list[str]:
        """Return a row of the table; see `_HEADER`."""
        median, high = np.percentile(self.ms, [50, 95])
        worst = int(np.argmax(self.ms))
        limit = "–" if self.most_ms is None else f"{self.most_ms:.0f}"
        figures = [f"{each:.1f}" for each in (median, high, self.ms[worst])]
        return [self.name, str(len(self.ms)), *figures, limit, self.cases[worst]]


_HEADER = ["", "cases", "median ms", "p95 ms", "worst ms", "limit", "the worst"]


def main(argv: Sequence[str], *, clock: Clock = time.perf_counter) -> int:
    """Time a part and print the table.

    Args:
        argv: the flags, without the command's name.
        clock: seconds, of which only differences matter.

    Returns:
        0; 1 where a case took longer than it may.

    Raises:
        MlError: the folder holds no picture.
    """
    flags = _parser().parse_args(argv)
    threads = cv2.getNumThreads(), faiss.omp_get_max_threads()
    _use_threads(1, 1)
    try:
        measure = measure_panels if flags.part == PANELS else measure_copies
        times = measure(flags.data, rounds=flags.rounds, count=flags.count, clock=clock)
    finally:
        _use_threads(*threads)
    sys.stdout.write("\n".join(aligned([_HEADER, *(each.cells() for each in times)])) + "\n")
    return 0 if all(each.is_kept for each in times) else 1


def measure_panels(
    folder: Path, *, rounds: int, count: int | None, clock: Clock = time.perf_counter
) -> list[Times]:
    """Return the times of taking a folder's pictures apart, at 1600 × 1200 and at their own size.

    Args:
        folder: pictures, at any depth; those that cannot be read are left out.
        rounds: how often each is timed, ≥ 1.
        count: most pictures, the first ones; None takes all.
        clock: seconds.

    Raises:
        EvaluationDataInvalid: there is no such folder, or nothing in it is named as a picture.
        NoPictures: none can be read.
    """
    split(np.zeros((64, 64, 3), np.uint8))  # loads the judges
    names: list[str] = []
    usual, own = [], []
    for name, pixels in _pictures(folder, count):
        names.append(name)
        usual.append(_least_ms(split, [_resized(pixels)], rounds, clock))
        own.append(_least_ms(split, [pixels], rounds, clock))
    return [
        Times("split, 1600 × 1200", tuple(names), tuple(usual), _MOST_MS[PANELS]),
        Times("split, own size", tuple(names), tuple(own), None),
    ]


def measure_copies(
    folder: Path, *, rounds: int, count: int | None, clock: Clock = time.perf_counter
) -> list[Times]:
    """Return the times of looking hashes up and of comparing pictures by their features.

    Each picture's orientations are looked up among 100,000 random hashes; each picture is compared
    with its own middle and with the middle of the next one, mirrored, which is no copy of it unless
    it is the only one.

    Args:
        folder: as for `measure_panels`.
        rounds: likewise.
        count: likewise.
        clock: likewise.

    Raises:
        EvaluationDataInvalid: as for `measure_panels`.
        NoPictures: likewise.
    """
    rng = np.random.default_rng(_SEED)
    lookup = HashLookup()
    hashes = rng.integers(0, 256, (_HASHES, pdq.HASH_BYTES), dtype=np.uint8)
    lookup.add(range(_HASHES), hashes)
    names, oriented, wholes, middles = [], [], [], []
    for name, pixels in _pictures(folder, count):
        names.append(name)
        oriented.append(pdq.oriented_hashes(pixels)[1])
        wholes.append(features.extract(pixels))
        middles.append(features.extract(_middle(pixels)))

    def look_up(query: NDArray[np.uint8]) -> object:
        return lookup.search(query, radius_bits=pdq.NEAR_IDENTICAL_BITS)

    cases = tuple(names)
    others = [middle.mirrored() for middle in [*middles[1:], middles[0]]]
    found = [_least_ms(look_up, [query], rounds, clock) for query in oriented]
    same = [_least_ms(verify, pair, rounds, clock) for pair in zip(middles, wholes, strict=True)]
    different = [
        _least_ms(verify, pair, rounds, clock) for pair in zip(others, wholes, strict=True)
    ]
    return [
        Times("look up among 100,000", cases, tuple(found), _MOST_MS["lookup"]),
        Times("verify a copy", cases, tuple(same), _MOST_MS["verify"]),
        Times("verify another picture", cases, tuple(different), _MOST_MS["verify"]),
    ]


def _least_ms(
    work: Callable[..., object], given: Sequence[Any], rounds: int, clock: Clock
) -> float:
    taken = []
    for _ in range(rounds):
        started = clock()
        work(*given)
        taken.append(clock() - started)
    return _MS * min(taken)


def _resized(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    is_larger = pixels.shape[0] * pixels.shape[1] > _SIZE_PX[0] * _SIZE_PX[1]
    way = cv2.INTER_AREA if is_larger else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, _SIZE_PX, interpolation=way), np.uint8)


def _middle(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    top, left = int(_CUT * height), int(_CUT * width)
    return pixels[top : height - top, left : width - left]


def _pictures(folder: Path, count: int | None) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    read = 0
    for path in list_pictures(folder):
        if read == count:
            return
        try:
            pixels = np.asarray(decode(read_bytes(path), max_pixels=MAX_PIXELS))
        except MlError:
            continue
        read += 1
        yield path.relative_to(folder).as_posix(), pixels
    if not read:
        raise NoPictures(f"No picture of {folder} can be read.", folder=str(folder))


def _use_threads(opencv: int, faiss_threads: int) -> None:
    cv2.setNumThreads(opencv)
    faiss.omp_set_num_threads(faiss_threads)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ml bench", description="Time what works on pictures without an encoder."
    )
    parser.add_argument("--part", required=True, choices=(PANELS, COPIES))
    parser.add_argument("--data", required=True, type=Path, help="folder of pictures")
    parser.add_argument("--count", type=positive, help="most pictures; all")
    parser.add_argument("--rounds", type=positive, default=3, help="timed passes of each picture")
    return parser
