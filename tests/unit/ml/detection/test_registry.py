import subprocess
import sys

import pytest

import ml.detection.yolo  # noqa: F401 - its library cannot be loaded while output is captured
from ml.detection import registry, ssd
from ml.errors import DeviceUnavailable, UnknownDetector, WeightsUnavailable


@pytest.mark.parametrize(
    "choice", ["", "Yolo", "yolo:", "ssd", "none:", "ssd_mobilenet:x", "a.engine"]
)
@pytest.mark.parametrize("ask", [registry.load, registry.choose], ids=["load", "choose"])
def test_an_unknown_name_is_refused_with_the_known_ones(ask, choice):
    with pytest.raises(UnknownDetector, match=r"yolo, yolo:<weights.*ssd_mobilenet, none") as error:
        ask(choice)

    assert error.value.code == "ml:unknown-detector"
    assert error.value.context == {"choice": choice}


@pytest.mark.parametrize(
    "setting",
    ["yolo", "yolo:yolov8n", "yolo:/a/b.onnx", "b.onnx", "/a/B.PT", "ssd_mobilenet", "none"],
)
def test_a_name_given_by_a_person_is_kept(setting):
    choice = registry.choose(setting)

    assert choice.name == setting
    assert choice.reason == f"{setting} was asked for by name."


def test_without_a_network_the_packaged_detector_is_chosen_and_the_reason_said(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("YOLO_OFFLINE", "1")

    choice = registry.choose("auto", cache_dir=tmp_path)

    assert choice.name == "ssd_mobilenet"
    assert choice.reason == (
        "The packaged detector, ssd_mobilenet, is used instead of yolo: yolov8x-oiv7.pt is not on"
        " this machine and cannot be downloaded."
    )
    assert list(tmp_path.iterdir()) == []


def test_without_its_package_nothing_is_looked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("YOLO_OFFLINE", "1")
    monkeypatch.setattr(ssd, "PACKAGE", "a_package_that_is_nowhere")

    choice = registry.choose("auto", cache_dir=tmp_path)

    assert choice.name == "none"
    assert choice.reason.startswith("No objects are looked for: yolov8x-oiv7.pt is not on")
    with pytest.raises(WeightsUnavailable, match=r"install requirements-offline\.txt"):
        registry.load("ssd_mobilenet")


def test_an_unknown_device_is_refused():
    with pytest.raises(DeviceUnavailable):
        registry.load("yolo", device="abacus")


def test_importing_and_naming_loads_no_torch():
    program = (
        "import sys; from ml.detection import registry; registry.choose('yolo');"
        "registry.load('none'); print('torch' in sys.modules, 'cv2' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert done.stdout == "False False\n", done.stderr


def test_the_packaged_detector_knows_the_names_of_coco():
    assert len(ssd.LABELS) == len(set(ssd.LABELS)) == 80
    assert (ssd.LABELS[0], ssd.LABELS[11], ssd.LABELS[79]) == ("person", "stop sign", "toothbrush")
