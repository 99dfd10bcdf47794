"""What an encoder version's scores mean: recorded, refused, shown."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from catalog.models import EncoderVersion
from catalog.services import record_calibration
from kernel.errors import UserInputError

pytestmark = pytest.mark.django_db


def calibration(version: EncoderVersion, **origin: str) -> dict[str, Any]:
    """As `python -m ml calibrate` writes it: one precision that is reached, one that is not."""
    made_with = {
        "weights_sha256": version.weights_sha256,
        "preprocessing_sha256": version.preprocessing_sha256,
    }
    reached = {"asked_precision": 0.9, "threshold": 0.8125, "precision": 0.91, "recall": 0.5}
    never = {"asked_precision": 0.99, "threshold": None, "precision": None, "recall": 0.0}
    return {
        "method": "platt",
        "curve": {"slope": 2.0, "intercept": -1.0},
        "thresholds": [reached, never],
        "origin": made_with | origin,
    }


def with_threshold(**changes: Any) -> Callable[[dict[str, Any]], Any]:
    """Return what puts other values into the first threshold."""
    return lambda values: (
        values | {"thresholds": [values["thresholds"][0] | changes, *values["thresholds"][1:]]}
    )


def without(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda values: {key: value for key, value in values.items() if key != name}


def test_a_calibration_is_kept_whole(version: EncoderVersion) -> None:
    values = calibration(version)

    record_calibration(version, values)

    version.refresh_from_db()
    assert version.calibration == values


@pytest.mark.parametrize("hash_name", ["weights_sha256", "preprocessing_sha256"])
def test_a_calibration_of_another_encoder_is_refused(
    version: EncoderVersion, hash_name: str
) -> None:
    with pytest.raises(UserInputError) as caught:
        record_calibration(version, calibration(version, **{hash_name: "f" * 64}))

    assert caught.value.code == "calibration:user:other-encoder"
    version.refresh_from_db()
    assert version.calibration is None


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        pytest.param(lambda _: {}, "It has no 'method'.", id="empty"),
        pytest.param(lambda _: [], "It is no JSON object.", id="no object"),
        pytest.param(without("curve"), "It has no 'curve'.", id="no curve"),
        pytest.param(without("thresholds"), "It has no 'thresholds'.", id="no thresholds"),
        pytest.param(lambda v: v | {"origin": {}}, "It has no 'weights_sha256'.", id="no hashes"),
        pytest.param(lambda v: v | {"origin": 1}, "", id="origin is a number"),
        pytest.param(lambda v: v | {"thresholds": 1}, "", id="thresholds are a number"),
        pytest.param(lambda v: v | {"thresholds": ["0.9"]}, "", id="a threshold is a text"),
        pytest.param(with_threshold(recall="all"), "", id="recall is a text"),
        pytest.param(
            with_threshold(threshold="0.5"),
            "The score of a threshold is no decimal number.",
            id="a score is a text",
        ),
        pytest.param(with_threshold(asked_precision=None), "", id="no precision was asked"),
        pytest.param(
            with_threshold(asked_precision=90),
            "A precision or recall is not from 0 to 1.",
            id="percent",
        ),
        pytest.param(with_threshold(threshold=float("nan")), "", id="NaN"),
        pytest.param(lambda v: v | {"curve": {"slope": float("inf")}}, "", id="infinite curve"),
        pytest.param(lambda v: v | {"curve": {"slope": 2.0}}, "It has no 'intercept'.", id="half"),
        pytest.param(
            lambda v: v | {"curve": {"slope": -2.0, "intercept": 1.0}},
            "The slope of its curve has to be above 0.",
            id="a falling curve",
        ),
        pytest.param(
            lambda v: v | {"method": "spline"}, "There is no method 'spline'.", id="another method"
        ),
    ],
)
def test_what_is_no_calibration_is_refused(
    version: EncoderVersion, damage: Callable[[dict[str, Any]], Any], said: str
) -> None:
    with pytest.raises(UserInputError) as caught:
        record_calibration(version, damage(calibration(version)))

    assert caught.value.code == "calibration:user:broken"
    assert said in str(caught.value.context["detail"])
    version.refresh_from_db()
    assert version.calibration is None


def test_the_command_records_a_file(version: EncoderVersion, tmp_path: Path, capsys) -> None:
    file = tmp_path / "calibration.json"
    file.write_text(json.dumps(calibration(version)))

    call_command("record_calibration", file)

    assert capsys.readouterr().out == f"Recorded for {version.choice}.\n"
    assert EncoderVersion.objects.get(pk=version.pk).calibration == calibration(version)


def test_the_command_says_what_is_wrong(version: EncoderVersion, tmp_path: Path) -> None:
    file = tmp_path / "calibration.json"
    file.write_text("{")
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("record_calibration", file)

    file.write_text("[1, NaN]")
    with pytest.raises(CommandError, match=r"The file is no calibration\. It is no JSON object\."):
        call_command("record_calibration", file)

    file.write_text(json.dumps(calibration(version, weights_sha256="f" * 64)))
    with pytest.raises(CommandError, match="The calibration is not of the weights"):
        call_command("record_calibration", file)


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        pytest.param(
            "en",
            ["90% right: score 0.812 or more, finds 50%", "99% right: no score is enough"],
            id="English",
        ),
        pytest.param(
            "ru",
            ["верно в 90%: оценка от 0,812, находит 50%", "верно в 99%: такой оценки нет"],
            id="Russian",
        ),
    ],
)
def test_the_admin_shows_the_thresholds(
    version: EncoderVersion, admin_client, language: str, lines: list[str]
) -> None:
    address = f"/admin/catalog/encoderversion/{version.pk}/change/"
    record_calibration(version, calibration(version))

    page = admin_client.get(address, headers={"accept-language": language}).content.decode()

    for line in lines:
        assert line in page


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("en", "99.9% right: score 0.813 or more, finds 50%"),
        ("ru", "верно в 99,9%: оценка от 0,813, находит 50%"),
    ],
)
def test_the_admin_rounds_no_asked_precision_up(
    version: EncoderVersion, admin_client, language: str, line: str
) -> None:
    changes = with_threshold(asked_precision=0.999, threshold=0.8129)
    record_calibration(version, changes(calibration(version)))
    address = f"/admin/catalog/encoderversion/{version.pk}/change/"

    page = admin_client.get(address, headers={"accept-language": language}).content.decode()

    assert line in page


def test_the_admin_says_that_nothing_was_calibrated(version: EncoderVersion, admin_client) -> None:
    page = admin_client.get(f"/admin/catalog/encoderversion/{version.pk}/change/").content.decode()

    assert "not calibrated" in page
