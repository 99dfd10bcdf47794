"""`python -m ml.training.media`: learn what `trees.json` holds."""

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ml.commands.flags import not_negative, positive
from ml.errors import MlError
from ml.images.files import needed_pictures
from ml.media import classifier, statistics
from ml.rules.media import Medium
from ml.training.media.examples import MediumExample, of_clip_art, of_photo
from ml.trees.boosted import Trees, save_trees
from ml.trees.fitting import fit

# Four questions in a row, slowly, each tree from half of the examples; set by hand.
_DEPTH, _LEARNING_RATE, _SUBSAMPLE_SHARE, _MIN_LEAF_EXAMPLES = 4, 0.1, 0.5, 8
_MEDIA = (Medium.PHOTO, Medium.PAINTING, Medium.CARTOON, Medium.SKETCH)
_DRAWN = frozenset({Medium.CARTOON, Medium.SKETCH})


def main(argv: Sequence[str]) -> int:
    """Learn the trees and write them; return the exit status, 0 or 2."""
    parser = argparse.ArgumentParser(prog="python -m ml.training.media", description=__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="a folder of photos")
    parser.add_argument("--clip-art", type=Path, required=True, help="a folder of drawings")
    parser.add_argument("--output", type=Path, required=True, help="the JSON file to write")
    parser.add_argument("--photo-count", type=positive, default=2000)
    parser.add_argument("--clip-art-count", type=positive, default=3000)
    parser.add_argument("--trees", type=positive, default=120)
    parser.add_argument("--seed", type=not_negative, default=1)
    options = parser.parse_args(argv)
    try:
        found = _learned(options)
        save_trees(
            options.output,
            _fitted(found, options.trees, options.seed),
            photos=options.photo_count,
            clip_art=options.clip_art_count,
            seed=options.seed,
        )
    except MlError as err:
        sys.stderr.write(f"{err}\n")
        return 2
    counts = {medium: sum(each.medium is medium for each in found) for medium in Medium}
    said = ", ".join(f"{count} {medium.value}" for medium, count in counts.items() if count)
    sys.stdout.write(f"{len(found)} pictures: {said}\n")
    return 0


def _learned(options: argparse.Namespace) -> list[MediumExample]:
    """Return the examples, made by a process a core, the same for the same seed."""
    rng = np.random.default_rng(options.seed)
    photos = _shuffled(needed_pictures(options.photos), rng)
    clip_art = _shuffled(needed_pictures(options.clip_art), rng)
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:

        def made(
            make: Callable[[int], list[MediumExample]], count: int
        ) -> Iterable[list[MediumExample]]:
            found = pool.map(make, range(count), chunksize=16)
            yield from tqdm(found, total=count, disable=None)

        of_photos = made(partial(of_photo, photos=photos, seed=options.seed), options.photo_count)
        found = [each for some in of_photos for each in some]
        of_clips = made(
            partial(of_clip_art, pictures=clip_art, seed=options.seed),
            min(options.clip_art_count, len(clip_art)),
        )
        return found + [each for some in of_clips for each in some]


def _shuffled(paths: Sequence[Path], rng: np.random.Generator) -> list[Path]:
    return [paths[index] for index in rng.permutation(len(paths))]


def _fitted(found: Sequence[MediumExample], trees: int, seed: int) -> dict[str, Trees]:
    """Return the trees of each medium against the others, of what is drawn, and of pages.

    Those of pages alone see any: trees that tell cartoons from pages, too, find half as many.
    """
    media = [each for each in found if each.medium is not Medium.UNKNOWN]
    answers = {medium.value: [each.medium is medium for each in media] for medium in _MEDIA}
    answers[classifier.DRAWN] = [each.medium in _DRAWN for each in media]
    answers[classifier.PAGE] = [each.medium is Medium.UNKNOWN for each in found]
    return {
        name: fit(
            [each.row for each in (found if name == classifier.PAGE else media)],
            those,
            statistics.NAMES,
            trees=trees,
            seed=seed,
            depth=_DEPTH,
            learning_rate=_LEARNING_RATE,
            subsample_share=_SUBSAMPLE_SHARE,
            min_leaf_examples=_MIN_LEAF_EXAMPLES,
        )
        for name, those in answers.items()
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
