"""`python -m workers.bare_encoder FOLDER`: the live encoder's own pace, in pictures a second.

The yardstick of `manage.py bench ingest`: pictures decoded beforehand, no database, no queue, no
index. What is left is the encoder's preprocessing and its forward passes, in worker-sized batches.
"""

import sys
import time
from pathlib import Path

from workers.bootstrap import start_django

start_django()

from django.conf import settings

from ml.encoders import registry
from workers.indexing import decode_original

_WARM_UP_BATCHES = 3


def main() -> int:
    """Embed every picture of the folder and print how many a second that was."""
    files = sorted(Path(sys.argv[1]).iterdir())
    pictures = [decode_original(file.read_bytes()) for file in files]
    choice = registry.choose(settings.ENCODER, cache_dir=settings.MODELS_DIR)
    size = settings.ENCODER_BATCH_SIZE
    encoder = registry.load(
        choice.name,
        device=settings.ENCODER_DEVICE,
        batch_size=size,
        cache_dir=settings.MODELS_DIR,
    )
    encoder.encode(pictures[: _WARM_UP_BATCHES * size])
    started = time.perf_counter()
    encoder.encode(pictures)
    sys.stdout.write(f"{len(pictures) / (time.perf_counter() - started):.3f}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
