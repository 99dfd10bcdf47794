"""`python -m workers.bare_models pace|stages FOLDER`: what the workers' models take by themselves.

The yardsticks of `manage.py bench`: no database, no queue, no index, no files. `pace` prints how
many pictures a second are segmented, their regions embedded, and the features extracted that prove
copies, in worker-sized batches of pictures decoded beforehand. `stages` prints the CPU time of one
thread for each stage of that and of decoding. It stands with the workers because it runs what they
run, which the web, where `bench` is, must not load.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from workers.bootstrap import start_django

start_django()

from django.conf import settings
from PIL import Image

from ml.bench.threads import one_thread
from ml.commands.flags import positive
from ml.copies import comparison
from ml.detection import registry as detectors
from ml.detection.base import Detector
from ml.encoders import registry
from ml.encoders.base import Encoder
from ml.rules.regions import OBJECT
from workers import model_pool, stage_times
from workers.pictures import UprightPicture, decode_picture
from workers.regions import segment

_WARM_UP_BATCHES = 3


def main(argv: Sequence[str]) -> int:
    """Run the models on every picture of a folder and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m workers.bare_models", description=main.__doc__)
    what = parser.add_subparsers(dest="what", required=True)
    for name in ("pace", "stages"):
        figures = what.add_parser(name)
        figures.add_argument("folder", type=Path, help="nothing but pictures that can be read")
    figures.add_argument("--rounds", type=positive, default=3, help="timed passes of each stage")
    options = parser.parse_args(argv)
    files = sorted(options.folder.iterdir())
    figure = _pace(files) if options.what == "pace" else _stages(files, rounds=options.rounds)
    sys.stdout.write(f"{figure}\n")
    return 0


def _pace(files: Sequence[Path]) -> str:
    """Return pictures a second, with every core."""
    pictures = [_read(file) for file in files]
    encoder, detector = _load()
    _extract(pictures[: _WARM_UP_BATCHES * settings.ENCODER_BATCH_SIZE], encoder, detector)
    started = time.perf_counter()
    _extract(pictures, encoder, detector)
    return f"{len(pictures) / (time.perf_counter() - started):.3f}"


def _stages(files: Sequence[Path], *, rounds: int) -> str:
    """Return the table of stages, timed on one core: libraries start as many threads as cores."""
    with _one_core(), one_thread():
        encoder, detector = _load()
        times = stage_times.measure(
            [file.read_bytes() for file in files],
            encoder,
            detector,
            batch_size=settings.ENCODER_BATCH_SIZE,
            rounds=rounds,
        )
    return stage_times.table(times)


@contextmanager
def _one_core() -> Iterator[None]:
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def _load() -> tuple[Encoder, Detector]:
    """Return the models that the settings name, as a new catalogue would have them."""
    folder = settings.MODELS_DIR
    encoder = registry.choose(settings.ENCODER, cache_dir=folder).name
    detector = detectors.choose(settings.DETECTOR, cache_dir=folder).name
    return model_pool.load_encoder(encoder, precision="auto"), model_pool.load_detector(detector)


def _read(file: Path) -> UprightPicture:
    data = file.read_bytes()
    with Image.open(file) as opened:
        width, height = opened.size
    return decode_picture(data, width=width, height=height)


def _extract(pictures: Sequence[UprightPicture], encoder: Encoder, detector: Detector) -> None:
    size = settings.ENCODER_BATCH_SIZE
    for start in range(0, len(pictures), size):
        segmented = segment(pictures[start : start + size], detector)
        regions = [region for each in segmented for region in each.regions]
        encoder.encode([region.picture.image for region in regions])
        for region in regions:
            if region.key.kind != OBJECT:
                comparison.extract(region.picture.pixels)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
