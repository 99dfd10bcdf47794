"""`python -m workers.bare_models FOLDER`: the models' own pace, in pictures a second.

The yardstick of `manage.py bench ingest`: pictures decoded beforehand, no database, no queue, no
index, no files. What is left is segmenting pictures, embedding their regions and extracting the
features that prove copies, in worker-sized batches. It stands with the workers because it runs what
they run, which the web, where `bench` is, must not load.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workers.bootstrap import start_django

start_django()

from django.conf import settings
from PIL import Image

from ml.copies import comparison
from ml.detection import registry as detectors
from ml.detection.base import Detector
from ml.encoders import registry
from ml.encoders.base import Encoder
from ml.rules.regions import OBJECT
from workers.pictures import UprightPicture, decode_picture
from workers.regions import segment

_WARM_UP_BATCHES = 3


def main() -> int:
    """Run the models on every picture of the folder and print how many a second that was."""
    parser = argparse.ArgumentParser(prog="python -m workers.bare_models", description=main.__doc__)
    parser.add_argument("folder", type=Path, help="nothing but pictures that can be read")
    pictures = [_read(file) for file in sorted(parser.parse_args().folder.iterdir())]
    size = settings.ENCODER_BATCH_SIZE
    loading: dict[str, Any] = {
        "device": settings.ENCODER_DEVICE,
        "batch_size": size,
        "cache_dir": settings.MODELS_DIR,
    }
    folder = settings.MODELS_DIR
    encoder = registry.load(registry.choose(settings.ENCODER, cache_dir=folder).name, **loading)
    detector = detectors.load(detectors.choose(settings.DETECTOR, cache_dir=folder).name, **loading)
    _extract(pictures[: _WARM_UP_BATCHES * size], encoder, detector)
    started = time.perf_counter()
    _extract(pictures, encoder, detector)
    sys.stdout.write(f"{len(pictures) / (time.perf_counter() - started):.3f}\n")
    return 0


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
    sys.exit(main())
