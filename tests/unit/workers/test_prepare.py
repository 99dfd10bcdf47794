import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog import vector_store
from catalog.models import EncoderVersion
from ml.detection import registry as detectors
from ml.encoders import probe, registry
from ml.errors import WeightsUnavailable
from ml.types import Choice
from tests import fakes
from worker_api.encoders import EncoderFacts, find_live, record_first
from workers import prepare

pytestmark = pytest.mark.django_db

FACTS = EncoderFacts(
    encoder="grid",
    choice="clip:a/b@c",
    weights="none",
    weights_sha256="0" * 64,
    preprocessing_sha256="1" * 64,
    dim=fakes.DIM,
    precision="bfloat16",
    probe=b"a row",
    reason="It was asked for.",
)


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch, weights: list[str], settings) -> Iterator[list[str]]:
    """What the registry was asked to choose for; it always finds the fake encoder."""
    settings.ENCODER = settings.DETECTOR = "auto"
    asked: list[str] = []

    def choose(setting: str, *, cache_dir: Path | None = None) -> Choice:
        asked.append(setting)
        return Choice(name="efficientnet_lite", reason="The packaged encoder is used.")

    monkeypatch.setattr(registry, "choose", choose)
    found = Choice(name="ssd_mobilenet", reason="The packaged detector is used.")
    monkeypatch.setattr(detectors, "choose", lambda *_, **__: found)
    yield asked
    for version in EncoderVersion.objects.all():
        vector_store.drop(vector_store._client(), version.collection)


def test_the_first_start_chooses_records_and_makes_the_collection(
    chosen: list[str], capsys: pytest.CaptureFixture
) -> None:
    assert prepare.main() == 0

    version = EncoderVersion.objects.get()
    assert (version.encoder, version.choice) == ("grid", "efficientnet_lite")
    assert (version.collection, version.state) == ("regions__grid__v1", "live")
    assert (version.dim, version.weights_sha256) == (fakes.DIM, "0" * 64)
    assert version.preprocessing_sha256 == fakes.PREPROCESS.sha256()
    assert version.precision == "float32"
    assert version.probe == fakes.embed(probe.picture()).tobytes()
    assert version.reason == "The packaged encoder is used."
    index = vector_store.open_index(version)
    assert index.count() == 0
    said = capsys.readouterr().out
    assert said == (
        "The packaged encoder is used.\nThe packaged detector is used.\n"
        "Encoder: efficientnet_lite\nDetector: ssd_mobilenet\n"
    )
    assert (version.detector, version.detector_weights_sha256) == ("ssd_mobilenet", "d" * 64)
    assert version.detector_reason == "The packaged detector is used."


def test_later_starts_choose_nothing_and_load_nothing(
    chosen: list[str], weights: list[str], capsys: pytest.CaptureFixture
) -> None:
    prepare.main()
    capsys.readouterr()

    assert prepare.main() == 0

    assert (chosen, weights) == (["auto"], ["efficientnet_lite"])
    assert EncoderVersion.objects.count() == 1
    assert capsys.readouterr().out == "Encoder: efficientnet_lite\nDetector: ssd_mobilenet\n"


def test_a_catalogue_of_an_earlier_release_gets_its_precision_and_probe_once(
    chosen: list[str], weights: list[str]
) -> None:
    prepare.main()
    EncoderVersion.objects.update(precision="", probe=None)

    assert prepare.main() == 0

    version = EncoderVersion.objects.get()
    assert version.precision == "float32"
    assert version.probe == fakes.embed(probe.picture()).tobytes()
    assert prepare.main() == 0
    assert weights == ["efficientnet_lite", "efficientnet_lite"]


def test_a_lost_collection_is_made_again(chosen: list[str]) -> None:
    prepare.main()
    version = EncoderVersion.objects.get()
    vector_store.drop(vector_store._client(), version.collection)

    assert prepare.main() == 0

    assert vector_store.open_index(version).count() == 0


def test_an_encoder_asked_for_by_name_that_the_catalogue_has(chosen: list[str], settings) -> None:
    prepare.main()
    settings.ENCODER = "efficientnet_lite"

    assert prepare.main() == 0


def test_an_encoder_that_is_not_the_catalogues_is_refused(
    chosen: list[str], settings, capsys: pytest.CaptureFixture
) -> None:
    prepare.main()
    settings.ENCODER = "clip"

    assert prepare.main() == 1

    assert capsys.readouterr().err == (
        "ENCODER is clip, but this catalogue was indexed with efficientnet_lite. Set ENCODER to "
        "auto or efficientnet_lite, or start another catalogue with another DATA_DIR and "
        "database.\n"
    )
    assert EncoderVersion.objects.get().choice == "efficientnet_lite"


def test_an_encoder_that_does_not_exist_is_refused(settings, capsys: pytest.CaptureFixture) -> None:
    settings.ENCODER = "clippy"

    assert prepare.main() == 1

    said = capsys.readouterr().err
    assert said.startswith("ENCODER names no encoder. There is no encoder 'clippy'; known are ")
    assert not EncoderVersion.objects.exists()


def test_weights_that_cannot_be_had_are_said_plainly(
    chosen: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def load(choice: str, **_: object) -> None:
        raise WeightsUnavailable("The hub cannot be reached.")

    monkeypatch.setattr(registry, "load", load)

    assert prepare.main() == 1

    said = capsys.readouterr().err
    assert said == "A model's weights cannot be loaded. The hub cannot be reached.\n"
    assert not EncoderVersion.objects.exists()


@pytest.fixture
def checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chosen: list[str]) -> Path:
    """The chosen encoder is a checkpoint's folder with a calibration beside its weights."""
    monkeypatch.setattr(registry, "choose", lambda *_, **__: Choice(str(tmp_path), "It was asked."))
    (tmp_path / "encoder.json").write_text("{}")
    origin = {
        "encoder": "grid",
        "weights_sha256": fakes.SPEC.weights_sha256,
        "preprocessing_sha256": fakes.PREPROCESS.sha256(),
        "data_sha256": "2" * 64,
        "pictures": 10,
        "pairs": 45,
        "positive_pairs": 5,
        "decided_pairs": 0,
    }
    made = {
        "method": "platt",
        "curve": {"slope": 2.0, "intercept": -1.0},
        "held_out_log_loss": {"platt": 0.1},
        "base_log_loss": 0.3,
        "thresholds": [{"asked_precision": 0.9, "threshold": 0.8, "precision": 0.9, "recall": 0.4}],
        "origin": origin,
    }
    (tmp_path / "calibration.json").write_text(json.dumps(made))
    return tmp_path


def test_the_calibration_beside_the_weights_is_recorded(checkpoint: Path) -> None:
    assert prepare.main() == 0

    recorded = EncoderVersion.objects.get().calibration
    assert recorded == json.loads((checkpoint / "calibration.json").read_text())


def test_a_calibration_made_later_is_recorded_at_the_next_start(checkpoint: Path) -> None:
    file = checkpoint / "calibration.json"
    made = file.read_text()
    file.unlink()
    prepare.main()
    assert EncoderVersion.objects.get().calibration is None
    file.write_text(made)

    assert prepare.main() == 0

    assert EncoderVersion.objects.get().calibration == json.loads(made)


def test_a_calibration_of_other_weights_stops_the_start(
    checkpoint: Path, capsys: pytest.CaptureFixture
) -> None:
    file = checkpoint / "calibration.json"
    file.write_text(file.read_text().replace("0" * 64, "9" * 64))

    assert prepare.main() == 1

    assert capsys.readouterr().err == (
        f"The calibration is not of the weights and the preprocessing of {checkpoint}.\n"
    )


def test_two_first_choices_are_one() -> None:
    first = record_first(FACTS)

    second = record_first(FACTS)

    assert second == first == find_live()
    assert EncoderVersion.objects.count() == 1
