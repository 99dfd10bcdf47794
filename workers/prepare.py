"""Before the workers start: which models this catalogue uses, and a collection for it.

`python -m workers.prepare`. The first run chooses and records; later runs only look, and load no
model.
"""

import sys

from workers.bootstrap import start_django

start_django()

from django.conf import settings

from kernel.database import patiently
from kernel.errors import AppError, DefectError
from kernel.messages import sentence
from ml.detection import registry as detectors
from ml.encoders import probe, registry
from ml.errors import EncoderKnowsNoWords, WeightsUnavailable
from ml.evaluation.calibration import fitting
from worker_api.encoders import (
    EncoderFacts,
    LiveEncoder,
    ensure_collection,
    find_live,
    record_calibration,
    record_detector,
    record_first,
    record_precision,
    record_words,
)
from workers import model_pool
from workers.policies import translated


def main() -> int:
    """Prepare, say which models are in use, and return the exit status."""
    try:
        with translated():
            version = _prepare()
    except AppError as error:
        return _refuse(error)
    sys.stdout.write(f"Encoder: {version.choice}\nDetector: {version.detector}\n")
    return 0


def _prepare() -> LiveEncoder:
    version = patiently(find_live) or _choose_encoder()
    if not version.precision:
        version = _record_precision(version)
    if not version.detector:
        version = _choose_detector(version)
    if version.knows_words is None:
        version = _record_words(version)
    _check_settings(version)
    _record_calibration(version)
    ensure_collection()
    return version


def _choose_encoder() -> LiveEncoder:
    choice = registry.choose(settings.ENCODER, cache_dir=settings.MODELS_DIR)
    sys.stdout.write(f"{choice.reason}\n")
    encoder = model_pool.load_encoder(choice.name, precision="auto")
    spec = encoder.spec
    return record_first(
        EncoderFacts(
            encoder=spec.name,
            choice=choice.name,
            weights=spec.weights,
            weights_sha256=spec.weights_sha256,
            preprocessing_sha256=spec.preprocess.sha256(),
            dim=spec.dim,
            precision=spec.precision,
            probe=probe.embed(encoder).tobytes(),
            reason=choice.reason,
        )
    )


def _record_precision(version: LiveEncoder) -> LiveEncoder:
    """Record what the catalogue of an earlier release was computed in, once."""
    precision = model_pool.recorded_precision(version)
    encoder = model_pool.load_encoder(version.choice, precision=precision)
    return record_precision(
        version, precision=encoder.spec.precision, probe=probe.embed(encoder).tobytes()
    )


def _record_words(version: LiveEncoder) -> LiveEncoder:
    """Record whether the encoder knows words, once somebody can tell."""
    try:
        model_pool.load_words(version.choice)
    except EncoderKnowsNoWords:
        return record_words(version, knows_words=False)
    except WeightsUnavailable as error:  # pictures can be searched all the same
        sys.stdout.write(f"{error} Whether it knows words is found out at the next start.\n")
        return version
    return record_words(version, knows_words=True)


def _choose_detector(version: LiveEncoder) -> LiveEncoder:
    choice = detectors.choose(settings.DETECTOR, cache_dir=settings.MODELS_DIR)
    sys.stdout.write(f"{choice.reason}\n")
    detector = model_pool.load_detector(choice.name)
    return record_detector(
        version,
        choice=choice.name,
        weights_sha256=detector.spec.weights_sha256,
        reason=choice.reason,
    )


def _record_calibration(version: LiveEncoder) -> None:
    """Record the calibration that lies with the encoder's weights, if one does."""
    folder = registry.checkpoint_folder(version.choice)
    if folder is not None and (folder / fitting.FILE).is_file():
        record_calibration(version, fitting.read(folder / fitting.FILE).to_json())


def _check_settings(version: LiveEncoder) -> None:
    """Refuse an ENCODER or a DETECTOR that is not the one the catalogue was filled with."""
    for code, setting, recorded in (
        ("encoder:ours:setting-differs", settings.ENCODER, version.choice),
        ("detector:ours:setting-differs", settings.DETECTOR, version.detector),
    ):
        if setting not in {"auto", recorded}:
            raise DefectError(code, setting=setting, recorded=recorded)


def _refuse(error: AppError) -> int:
    sys.stderr.write(f"{sentence(error.code, **error.context)}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
