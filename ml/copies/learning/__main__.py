"""`python -m ml.copies.learning`: learn what `judge.json` holds."""

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ml.commands.flags import not_negative, positive
from ml.copies import judge
from ml.copies.learning.examples import Example, learned
from ml.errors import MlError
from ml.images.files import needed_pictures
from ml.trees.boosted import save_trees
from ml.trees.fitting import fit

# Four questions in a row, slowly, each tree from half of the examples; set by hand.
_DEPTH, _LEARNING_RATE, _SUBSAMPLE_SHARE, _MIN_LEAF_EXAMPLES = 4, 0.1, 0.5, 8
# Most made pairs are copies; to call other content one is the worse mistake.
_WEIGHT_OF_OTHERS = 3.0


def main(argv: Sequence[str]) -> int:
    """Learn the judge and write it; return the exit status, 0 or 2."""
    parser = argparse.ArgumentParser(prog="python -m ml.copies.learning", description=__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="a folder of photos, unlabelled")
    parser.add_argument("--output", type=Path, required=True, help="the JSON file to write")
    parser.add_argument("--designs", type=positive, default=600, help="made ones to learn from")
    parser.add_argument("--trees", type=positive, default=300)
    parser.add_argument("--seed", type=not_negative, default=1)
    options = parser.parse_args(argv)
    try:
        found = _learned(needed_pictures(options.photos), options.designs, options.seed)
        rows, answers = [each.row for each in found], [each.is_copy for each in found]
        trees = fit(
            rows,
            answers,
            judge.FEATURES,
            trees=options.trees,
            seed=options.seed,
            depth=_DEPTH,
            learning_rate=_LEARNING_RATE,
            subsample_share=_SUBSAMPLE_SHARE,
            min_leaf_examples=_MIN_LEAF_EXAMPLES,
            weights=[1.0 if each.is_copy else _WEIGHT_OF_OTHERS for each in found],
        )
        save_trees(options.output, {"copy": trees}, designs=options.designs, seed=options.seed)
    except MlError as err:
        sys.stderr.write(f"{err}\n")
        return 2
    sys.stdout.write(f"{len(answers)} pairs, {np.mean(answers):.1%} of them copies\n")
    return 0


def _learned(photos: Sequence[Path], count: int, seed: int) -> list[Example]:
    """Return the examples of so many designs, made by a process a core."""
    make = partial(learned, photos=photos, seed=seed)
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        made = pool.map(make, range(count), chunksize=4)
        return [each for some in tqdm(made, total=count, disable=None) for each in some]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
