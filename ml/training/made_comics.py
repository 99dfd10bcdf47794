"""`python -m ml.training.made_comics`: write made comic pages, and a truth.json beside them."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.commands.flags import not_negative, positive
from ml.errors import MlError
from ml.images.files import needed_pictures
from ml.panels.made.comics import COMIC_STYLES, PanelMedium, PanelPictures, make_comic
from ml.training.drawings import draw
from ml.training.drawings.pixels import to_grey

_COLOURED = ("cartoon", "cartoon", "posterised", "clip_art", "painting", "watercolour")
_GREY = ("ink", "pencil", "hatching", "halftone", "cartoon", "painting")
_LINES = ("contours", "outlines")
_DRAWN_SIDE_PX = 256  # of the shorter side: line weights are made for it


def main(argv: Sequence[str]) -> int:
    """Write the pages; return the exit status, 0 or 2."""
    parser = argparse.ArgumentParser(prog="python -m ml.training.made_comics", description=__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="a folder of photos, unlabelled")
    parser.add_argument("--output", type=Path, required=True, help="a folder, made where needed")
    parser.add_argument("--pages", type=positive, default=120)
    parser.add_argument("--seed", type=not_negative, default=1)
    options = parser.parse_args(argv)
    try:
        paths = needed_pictures(options.photos)
    except MlError as err:
        sys.stderr.write(f"{err}\n")
        return 2
    write_comics(paths, options.output, pages=options.pages, seed=options.seed)
    return 0


def write_comics(paths: Sequence[Path], output: Path, *, pages: int, seed: int) -> None:
    """Write pages as PNG files, the styles in turn, and where their panels are.

    Args:
        paths: photo files that can be read.
        output: the folder.
        pages: how many.
        seed: the same photos and seed give the same pages.
    """
    output.mkdir(parents=True, exist_ok=True)
    truth = {}
    for number in range(pages):
        rng = np.random.default_rng((seed, number))
        style = COMIC_STYLES[number % len(COMIC_STYLES)]
        made = make_comic(style, pictures_of(paths, rng), rng)
        name = f"{style}-{number:04}.png"
        cv2.imwrite(str(output / name), made.pixels[..., ::-1])
        polygons = [[[round(x), round(y)] for x, y in panel.corners] for panel in made.panels]
        truth[name] = {"comic": style, "polygons": polygons}
    (output / "truth.json").write_text(json.dumps(truth, indent=1), encoding="utf-8")


def pictures_of(paths: Sequence[Path], rng: np.random.Generator) -> PanelPictures:
    """Return what gives photos, and drawings made of them."""

    def picture(medium: PanelMedium) -> NDArray[np.uint8]:
        photo = _photo(paths[int(rng.integers(len(paths)))])
        if medium == "photo":
            return photo
        kinds = {"colour": _COLOURED, "grey": _GREY, "lines": _LINES}[medium]
        drawn = draw(photo, str(rng.choice(kinds)), rng)
        if medium == "colour":
            return drawn
        grey = to_grey(drawn)
        if medium == "lines":
            grey = _on_white(grey)
        return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)

    return picture


def _photo(path: Path) -> NDArray[np.uint8]:
    data = np.frombuffer(path.read_bytes(), np.uint8)
    pixels = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), np.uint8)
    scale = _DRAWN_SIDE_PX / min(pixels.shape[:2])
    return np.asarray(
        cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.uint8
    )


def _on_white(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a line drawing, (H, W), as dark lines on white paper."""
    if grey.mean() < 128:  # noqa: PLR2004 - half of 255: chalk on a board
        grey = 255 - grey
    paper = float(np.median(grey))  # most of a line drawing is paper
    return np.asarray(np.clip(np.rint(grey * (255 / max(paper, 1.0))), 0, 255), np.uint8)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
