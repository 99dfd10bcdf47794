"""`python -m ml.panels.learning`: learn what `judges.json` holds."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from ml.commands.flags import not_negative, positive
from ml.errors import MlError
from ml.images.files import needed_pictures
from ml.panels.classification import photo_features
from ml.panels.config import CONFIG
from ml.panels.learning.examples import gather
from ml.panels.measurement import cuts
from ml.trees.boosted import save_trees
from ml.trees.fitting import fit


def main(argv: Sequence[str]) -> int:
    """Learn the classifiers and write them; return the exit status, 0 or 2."""
    parser = argparse.ArgumentParser(prog="python -m ml.panels.learning", description=__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="a folder of photos, unlabelled")
    parser.add_argument("--output", type=Path, required=True, help="the JSON file to write")
    parser.add_argument("--pictures", type=positive, default=8000, help="made ones to learn from")
    parser.add_argument("--trees", type=positive, default=250)
    parser.add_argument("--seed", type=not_negative, default=1)
    options = parser.parse_args(argv)
    cv2.setNumThreads(1)  # so that the same seed gives the same numbers everywhere
    try:
        rng = np.random.default_rng(options.seed)
        examples = gather(needed_pictures(options.photos), options.pictures, rng)
        examined = {
            "cut": (examples.cut_features, examples.cut_answers, cuts.FEATURES),
            "panel": (examples.panel_features, examples.panel_answers, photo_features.FEATURES),
        }
        config = CONFIG.fitting
        trees = {
            name: fit(
                *each,
                trees=options.trees,
                seed=options.seed,
                depth=config.depth,
                learning_rate=config.learning_rate,
                subsample_share=config.subsample_share,
                min_leaf_examples=config.min_leaf_examples,
            )
            for name, each in examined.items()
        }
        save_trees(options.output, trees, pictures=options.pictures, seed=options.seed)
    except MlError as err:
        sys.stderr.write(f"{err}\n")
        return 2
    for name, (_, answers, _) in examined.items():
        sys.stdout.write(f"{name}: {len(answers)} examples, {np.mean(answers):.1%} of them yes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
