"""`python -m ml.copies.learning`: learn what `judge.json` holds."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from ml.commands.flags import not_negative, positive
from ml.copies import judge
from ml.copies.learning.examples import examples, pairs
from ml.errors import MlError, NoPictures
from ml.images.files import list_pictures
from ml.output import replaced_files
from ml.trees.fitting import fit

# Three questions in a row, slowly, each tree from half of the examples; set by hand.
_DEPTH, _LEARNING_RATE, _SUBSAMPLE_SHARE, _MIN_LEAF_EXAMPLES = 3, 0.1, 0.5, 8


def main(argv: Sequence[str]) -> int:
    """Learn the judge and write it; return the exit status, 0 or 2."""
    parser = argparse.ArgumentParser(prog="python -m ml.copies.learning", description=__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="a folder of photos, unlabelled")
    parser.add_argument("--output", type=Path, required=True, help="the JSON file to write")
    parser.add_argument("--designs", type=positive, default=1200, help="made ones to learn from")
    parser.add_argument("--trees", type=positive, default=200)
    parser.add_argument("--seed", type=not_negative, default=1)
    options = parser.parse_args(argv)
    cv2.setNumThreads(1)  # so that the same seed gives the same numbers everywhere
    try:
        rng = np.random.default_rng(options.seed)
        made = pairs(_photos(options.photos), options.designs, rng)
        learned = list(tqdm(examples(made), unit="pair", disable=None))
        rows, answers = [each.row for each in learned], [each.is_copy for each in learned]
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
        )
        stored = {"designs": options.designs, "seed": options.seed}
        stored["trees"] = {"copy": trees.to_json()}
        with replaced_files(options.output.parent, [options.output.name]) as scratch:
            text = json.dumps(stored, ensure_ascii=False)
            (scratch / options.output.name).write_text(text + "\n", encoding="utf-8")
    except MlError as err:
        sys.stderr.write(f"{err}\n")
        return 2
    sys.stdout.write(f"{len(answers)} pairs, {np.mean(answers):.1%} of them copies\n")
    return 0


def _photos(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise NoPictures(f"There is no folder {folder}.", folder=str(folder))
    found = list_pictures(folder)
    if not found:
        raise NoPictures(f"There are no pictures in {folder}.", folder=str(folder))
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
