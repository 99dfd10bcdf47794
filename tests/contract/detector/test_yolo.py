import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from ultralytics import YOLO

from ml.detection import registry
from ml.errors import CheckpointMismatch, WeightsUnavailable
from ml.types import Box
from ml.weights import yolo as _yolo  # noqa: F401  # takes ultralytics' `open` out of Pillow again
from tests.contract.detector.conftest import HEIGHT, ROWS, WIDTH
from tests.contract.encoder.checkpoints import YOLO_SIDE_PX, pictures, save_yolo


def load(path, **options):
    return registry.load(str(path), device="cpu", **options)


def grey(level, size=(WIDTH, HEIGHT)):
    return Image.new("RGB", size, (level, level, level))


def found(detections):
    return [(each.label, each.box, pytest.approx(each.confidence, abs=1e-3)) for each in detections]


def test_a_network_finds_what_the_library_finds_with_it(yolo_file):
    # One class: where a box may be of several, the library's predictor keeps one of them only.
    images = [image.resize((96, 64)) for image in pictures(4)]
    options = {"conf": 0.001, "iou": 0.7, "max_det": 300, "imgsz": YOLO_SIDE_PX, "rect": False}

    ours = load(yolo_file).detect(images)

    model = YOLO(yolo_file)
    for image, detections in zip(images, ours, strict=True):
        (result,) = model.predict(image, verbose=False, **options)
        assert len(detections) == len(result.boxes) > 0
        corners = np.array([[d.box.x0, d.box.y0, d.box.x1, d.box.y1] for d in detections])
        # Whole pixels, and at least one of them.
        assert corners == pytest.approx(result.boxes.xyxy.numpy(), abs=1.0)
        confidences = [each.confidence for each in detections]
        assert confidences == pytest.approx(result.boxes.conf.numpy(), abs=1e-4)


def test_the_file_decides_what_is_recorded(yolo_file):
    spec = registry.load(f"yolo:{yolo_file}", device="cpu").spec

    assert (spec.name, spec.weights, spec.labels) == ("yolo", "small.pt", ("0",))
    assert spec.weights_sha256 == hashlib.sha256(yolo_file.read_bytes()).hexdigest()


def test_an_exported_network_is_recorded_with_its_own_names(save_onnx):
    path = save_onnx()

    spec = load(path).spec

    assert (spec.name, spec.weights, spec.labels) == ("yolo", "small.onnx", ("cat", "dog"))
    assert spec.weights_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_boxes_go_back_to_the_picture_they_were_found_in(save_onnx):
    # 128 × 128 in 64 × 32 is 32 × 32 in the middle, 16 px from either side, a quarter the size.
    (same, square) = load(save_onnx()).detect([grey(0), grey(0, (128, 128))])

    assert found(same) == [("cat", Box(8, 12, 24, 20), 0.9), ("dog", Box(44, 8, 52, 24), 0.1)]
    # The first is cut at the picture's side. The grey border lifts the second's confidence.
    assert [(each.label, each.box) for each in square] == [
        ("cat", Box(0, 48, 32, 80)),
        ("dog", Box(112, 32, 128, 96)),
    ]
    assert square[1].confidence == pytest.approx(0.1 + 0.5 * 0.5 * 114 / 255, abs=1e-3)


def test_what_lies_in_the_grey_border_alone_is_nothing(save_onnx):
    # 32 × 128 px become 8 × 32 in the middle: both boxes end before it or begin behind it.
    assert load(save_onnx()).detect([grey(0, (32, 128))]) == [()]


@pytest.mark.parametrize("batch", [1, 3, "batch"])
def test_a_fixed_number_of_pictures_is_kept_to(save_onnx, batch):
    levels = (0, 255, 51, 102)
    detector = load(save_onnx(batch=batch), batch_size=2)

    dogs = [
        each.confidence
        for detections in detector.detect([grey(level) for level in levels])
        for each in detections
        if each.label == "dog"
    ]

    assert dogs == pytest.approx([0.1 + 0.5 * level / 255 for level in levels], abs=1e-3)


def test_an_open_size_is_taken_from_the_metadata(save_onnx):
    path = save_onnx(size=("height", "width"))

    assert load(path).detect([grey(0)]) == load(save_onnx("other.onnx")).detect([grey(0)])


def test_a_box_counts_for_each_class_that_it_may_be_and_once_for_each(save_onnx):
    rows = ROWS.copy()
    rows[:4, 1] = (17, 16, 16, 8)  # 94 % of both are shared with the first
    rows[4:, 0], rows[4:, 1] = (0.9, 0.4), (0.8, 0.5)

    (detections,) = load(save_onnx(rows=rows)).detect([grey(0)])

    assert found(detections) == [("cat", Box(8, 12, 24, 20), 0.9), ("dog", Box(9, 12, 25, 20), 0.5)]


def test_a_network_may_suppress_by_itself(save_onnx):
    rows = np.array([[8, 12, 24, 20, 0.9, 1], [44, 8, 52, 24, 0.3, 0], [0, 0, 9, 9, 0.0, 0]])

    (detections,) = load(save_onnx(rows=rows, end2end="True")).detect([grey(0)])

    assert found(detections) == [("dog", Box(8, 12, 24, 20), 0.9), ("cat", Box(44, 8, 52, 24), 0.3)]


def test_numbers_that_are_none_find_nothing(save_onnx):
    rows = np.full_like(ROWS, np.nan)
    rows[4:] = 0.9

    assert load(save_onnx(rows=rows)).detect([grey(0)]) == [()]


def test_nothing_is_printed_and_nothing_written(save_onnx, tmp_path, monkeypatch, capfd):
    path, folder = save_onnx(), tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)

    load(path).detect([grey(9)])

    assert capfd.readouterr() == ("", "")
    assert list(folder.iterdir()) == []


def test_official_weights_are_taken_from_disk(yolo_file, tmp_path):
    (tmp_path / "ultralytics").mkdir()
    shutil.copy(yolo_file, tmp_path / "ultralytics" / "yolov8x-oiv7.pt")

    assert registry.load("yolo", device="cpu", cache_dir=tmp_path).spec.weights == "yolov8x-oiv7.pt"
    assert registry.choose("auto", cache_dir=tmp_path).name == "yolo"


@pytest.mark.parametrize("name", ["mine.onnx", "mine.pt", "folder/mine.onnx"])
def test_a_file_that_is_not_there_is_said_so(name):
    with pytest.raises(WeightsUnavailable, match=f"no file {name}"):
        load(name)


def damaged(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def no_network(path: Path) -> None:
    path.write_bytes(b"no network at all" * 99)


@pytest.mark.parametrize("damage", [damaged, empty, no_network])
def test_a_damaged_export_is_refused(save_onnx, damage):
    path = save_onnx()
    damage(path)

    with pytest.raises(CheckpointMismatch, match=r"small.onnx is damaged, or no network"):
        load(path)


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"names": None}, "does not say what its classes are called"),
        ({"names": "{0: 'cat', 2: 'dog'}"}, "does not say what its classes are called"),
        ({"names": "{0: 'cat', 1: ' '}"}, "does not say what its classes are called"),
        ({"names": "__import__('os').getcwd()"}, "does not say what its classes are called"),
        ({"names": "['a', 'b', 'c']"}, r"gives \(1, 6, 7\), which are no boxes of 3 classes"),
        ({"task": "classify"}, "draws no upright boxes; its task is 'classify'"),
        ({"task": None}, "draws no upright boxes; its task is 'unknown'"),
        ({"end2end": "True"}, "are no boxes of 2 classes"),
        ({"size": ("h", "w"), "imgsz": "[9999, 64]"}, "a side or batch of 9999"),
        ({"size": ("h", "w"), "imgsz": "64"}, "a size of 64"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_export_of_something_else_is_refused(save_onnx, metadata, reason):
    with pytest.raises(CheckpointMismatch, match=f"small.onnx.*{reason}"):
        load(save_onnx(**metadata))


def test_a_classifier_is_no_detector(tmp_path):
    path = save_yolo(tmp_path / "classifier.pt", task="classify")

    with pytest.raises(CheckpointMismatch, match="draws no upright boxes; its task is 'classify'"):
        load(path)


def test_a_foreign_pickle_is_not_read(tmp_path):
    path = tmp_path / "tensors.pt"
    torch.save({"weight": torch.zeros(3)}, path)

    with pytest.raises(CheckpointMismatch, match="holds no network of ultralytics"):
        load(path)
