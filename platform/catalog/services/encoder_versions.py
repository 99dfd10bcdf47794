"""Which encoder version is live, and what its scores mean."""

import json
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from catalog.models import EncoderVersion
from kernel.errors import UserInputError
from ml.rules.calibration_curve import curve_from_json


def record_calibration(version: EncoderVersion, calibration: Mapping[str, Any]) -> None:
    """Keep what the scores of an encoder version mean.

    Args:
        version: whose scores.
        calibration: as `python -m ml calibrate` writes it.

    Raises:
        UserInputError: "calibration:user:broken": it is none; "calibration:user:other-encoder": it
            was made with other weights or another preprocessing.
    """
    try:
        made_with = _check_calibration(calibration)
    except KeyError as error:
        raise UserInputError("calibration:user:broken", detail=f"It has no {error}.") from error
    except (TypeError, ValueError) as error:
        reason = str(error)
        detail = f"{reason[:1].upper()}{reason[1:]}."
        raise UserInputError("calibration:user:broken", detail=detail) from error
    if made_with != (version.weights_sha256, version.preprocessing_sha256):
        raise UserInputError("calibration:user:other-encoder", encoder=version.choice)
    version.calibration = dict(calibration)
    version.save(update_fields=("calibration",))


def _check_calibration(calibration: Mapping[str, Any]) -> tuple[str, str]:
    """Return the hashes of the weights and the preprocessing that a calibration was made with.

    Raises:
        KeyError: it lacks something.
        TypeError: something in it is of another kind.
        ValueError: a number in it is out of range, or none that a database keeps as JSON.
    """
    if not isinstance(calibration, Mapping):
        raise TypeError("It is no JSON object")
    json.dumps(calibration, allow_nan=False)
    curve_from_json(calibration["method"], calibration["curve"])
    for point in calibration["thresholds"]:
        _check_threshold(point)
    origin = calibration["origin"]
    return origin["weights_sha256"], origin["preprocessing_sha256"]


def _check_threshold(point: Mapping[str, Any]) -> None:
    """Refuse a threshold that is none; one that no score reaches is None, as its precision is."""
    shares = [point["asked_precision"], point["recall"]]
    if point["threshold"] is not None:
        if not isinstance(point["threshold"], float):
            raise TypeError("The score of a threshold is no decimal number")
        shares.append(point["precision"])
    if not all(0 <= share <= 1 for share in shares):
        raise ValueError("A precision or recall is not from 0 to 1")


@transaction.atomic
def make_live(version: EncoderVersion) -> None:
    """Retire the live encoder version, if there is one, in favour of `version`."""
    EncoderVersion.objects.filter(state=EncoderVersion.State.LIVE).update(
        state=EncoderVersion.State.RETIRED
    )
    version.state = EncoderVersion.State.LIVE
    version.save(update_fields=("state",))
