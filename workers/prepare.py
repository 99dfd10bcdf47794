"""Before the workers start: which encoder this catalogue uses, and a collection for it.

`python -m workers.prepare`. The first run chooses and records; later runs only look, and load no
model.
"""

import sys

from workers.bootstrap import start_django

start_django()

from django.conf import settings

from kernel.errors import AppError, DefectError
from kernel.messages import sentence
from ml.encoders import registry
from ml.errors import MlError
from ml.evaluation import calibration
from worker_api.encoders import (
    EncoderFacts,
    LiveEncoder,
    ensure_collection,
    find_live,
    record_calibration,
    record_first,
)
from workers.policies import translate


def main() -> int:
    """Prepare, say which encoder is in use, and return the exit status."""
    try:
        version = find_live() or _choose_first()
        _check_setting(version)
        _record_calibration(version)
        ensure_collection()
    except MlError as error:
        return _refuse(translate(error))
    except AppError as error:
        return _refuse(error)
    sys.stdout.write(f"Encoder: {version.choice}\n")
    return 0


def _choose_first() -> LiveEncoder:
    choice = registry.choose(settings.ENCODER, cache_dir=settings.MODELS_DIR)
    sys.stdout.write(f"{choice.reason}\n")
    encoder = registry.load(
        choice.name,
        device=settings.ENCODER_DEVICE,
        batch_size=settings.ENCODER_BATCH_SIZE,
        cache_dir=settings.MODELS_DIR,
    )
    spec = encoder.spec
    return record_first(
        EncoderFacts(
            encoder=spec.name,
            choice=choice.name,
            weights=spec.weights,
            weights_sha256=spec.weights_sha256,
            preprocessing_sha256=spec.preprocess.sha256(),
            dim=spec.dim,
            reason=choice.reason,
        )
    )


def _record_calibration(version: LiveEncoder) -> None:
    """Record the calibration that lies with the encoder's weights, if one does."""
    folder = registry.checkpoint_folder(version.choice)
    if folder is not None and (folder / calibration.FILE).is_file():
        record_calibration(version, calibration.read(folder / calibration.FILE).to_json())


def _check_setting(version: LiveEncoder) -> None:
    """Refuse an ENCODER that is not the one the catalogue was filled with."""
    if settings.ENCODER not in {"auto", version.choice}:
        raise DefectError(
            "encoder:ours:setting-differs", setting=settings.ENCODER, recorded=version.choice
        )


def _refuse(error: AppError) -> int:
    sys.stderr.write(f"{sentence(error.code, **error.context)}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
