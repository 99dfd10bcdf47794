import hashlib
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from ultralytics import YOLO

from ml.encoders import registry
from ml.encoders.base import PreprocessConfig
from ml.encoders.families import yolo
from ml.errors import CheckpointMismatch, WeightsUnavailable
from tests.contract.encoder import naive
from tests.contract.encoder.checkpoints import YOLO_DIM, YOLO_SIDE_PX, pictures, save_yolo

CPU = torch.device("cpu")


def encode(path: Path | str, images: list[Image.Image]) -> np.ndarray:
    network = yolo.load_network(str(path))
    return network.to_encoder(device=CPU, dtype=torch.float32, batch_size=4).encode(images)


def resaved(path: Path, target: Path, **changes: object) -> Path:
    """A copy of a weights file of ours with other content."""
    content = torch.load(path, weights_only=False) | changes
    torch.save(content, target)
    return target


def test_the_file_decides_what_is_recorded(yolo_file):
    spec = registry.load(f"yolo:{yolo_file}", device="cpu").spec

    assert (spec.name, spec.weights, spec.dim) == ("yolo", "small.pt", YOLO_DIM)
    assert spec.weights_sha256 == hashlib.sha256(yolo_file.read_bytes()).hexdigest()
    assert spec.preprocess == PreprocessConfig(
        YOLO_SIDE_PX, "letterbox", YOLO_SIDE_PX, "bilinear", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    )


def test_pictures_of_one_shape_are_padded_like_any_other(yolo_file):
    # Left to itself, the library pads a batch of one shape less than a batch of several.
    wide = [Image.new("RGB", (90, 30), colour) for colour in ((200, 10, 40), (10, 200, 60))]
    mixed = [wide[0], Image.new("RGB", (30, 90)), wide[1]]

    assert encode(yolo_file, wide) == pytest.approx(encode(yolo_file, mixed)[[0, 2]], abs=1e-5)


def test_a_classifier_sees_the_middle(tmp_path):
    path = save_yolo(tmp_path / "classifier.pt", task="classify")
    # Even borders: of an odd one, the library cuts its half pixel on the other side.
    images = [image.resize((96, 64)) for image in pictures(4)]

    assert encode(path, images) == pytest.approx(naive.yolo(path)(images), abs=1e-3)


def test_another_input_size_is_rounded_up_to_whole_cells(yolo_file, tmp_path):
    model = YOLO(yolo_file)
    model.model.args = {"imgsz": 70}
    model.save(tmp_path / "other.pt")

    assert yolo.load_network(str(tmp_path / "other.pt")).preprocess.size_px == 96


def test_a_name_that_the_library_would_change_is_taken_as_it_is(yolo_file, tmp_path):
    path = Path(shutil.copy(yolo_file, tmp_path / "yolov5n.pt"))

    assert np.array_equal(encode(path, pictures(2)), encode(yolo_file, pictures(2)))


def test_nothing_is_printed(yolo_file, capfd):
    encode(yolo_file, pictures(2))

    assert capfd.readouterr() == ("", "")


class Harmful:
    """Unpickled, it would leave a file behind."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return (Path.touch, (self.trace,))


@pytest.mark.parametrize("place", ["beside", "inside", "alone", "plain-pickle"])
def test_code_in_a_weights_file_is_not_run(yolo_file, tmp_path, place):
    trace, path = tmp_path / "trace", tmp_path / "harmful.pt"
    if place == "beside":
        resaved(yolo_file, path, date=Harmful(trace))
    elif place == "inside":
        network = torch.load(yolo_file, weights_only=False)["model"]
        network.names = Harmful(trace)
        resaved(yolo_file, path, model=network)
    elif place == "alone":
        torch.save(Harmful(trace), path)
    else:
        path.write_bytes(pickle.dumps(Harmful(trace)))

    with pytest.raises(CheckpointMismatch, match="is not read, because it could be code"):
        yolo.load_network(str(path))

    assert not trace.exists()


def empty(path: Path, _: Path) -> None:
    path.write_bytes(b"")


def cut_short(path: Path, yolo_file: Path) -> None:
    path.write_bytes(yolo_file.read_bytes()[:-2000])


def no_pickle(path: Path, _: Path) -> None:
    path.write_bytes(b"\xff" * 4096)


def only_tensors(path: Path, _: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, path)


def a_tensor(path: Path, _: Path) -> None:
    torch.save(torch.zeros(3), path)


def no_detector(path: Path, yolo_file: Path) -> None:
    resaved(yolo_file, path, model=nn.Linear(3, 3), ema=None)


def huge_input(path: Path, yolo_file: Path) -> None:
    network = torch.load(yolo_file, weights_only=False)["model"]
    network.args = {"imgsz": 10**6}
    resaved(yolo_file, path, model=network)


def lost_layer(path: Path, yolo_file: Path) -> None:
    network = torch.load(yolo_file, weights_only=False)["model"]
    del network.model[2]
    resaved(yolo_file, path, model=network)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (empty, "is damaged, or holds something else"),
        (cut_short, "is damaged, or holds something else"),
        (no_pickle, "is damaged, or holds something else"),
        (only_tensors, "holds no network of ultralytics"),
        (a_tensor, "is damaged, or holds something else"),
        (no_detector, "holds no network of ultralytics"),
        (huge_input, "trained at 1000000 px"),
        (lost_layer, "makes no embedding of an RGB picture"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_file_that_is_no_network_is_refused(yolo_file, tmp_path, damage, reason):
    path = tmp_path / "broken.pt"
    damage(path, yolo_file)

    with pytest.raises(CheckpointMismatch, match=f"broken.pt.*{reason}") as error:
        yolo.load_network(str(path))

    assert error.value.code == "ml:checkpoint-mismatch"


@pytest.mark.parametrize("name", ["network.onnx", "yolov8n.engine", "folder/net.torchscript"])
def test_exported_forms_have_no_embedding(name):
    with pytest.raises(CheckpointMismatch, match="exported forms such as ONNX have none"):
        registry.load(f"yolo:{name}", device="cpu")


@pytest.mark.parametrize("reference", ["mine.pt", "/no/such/network.pt", "yolov99"])
def test_a_file_that_is_not_there_is_said_so(reference):
    with pytest.raises(WeightsUnavailable, match=f"no file {reference}"):
        registry.load(f"yolo:{reference}", device="cpu")


@pytest.mark.parametrize("choice", ["yolo", "yolo:yolov8n", "yolo:yolov8n.pt"])
def test_official_weights_without_a_network_are_said_so(tmp_path, monkeypatch, choice):
    monkeypatch.setenv("YOLO_OFFLINE", "1")

    with pytest.raises(WeightsUnavailable, match="cannot be downloaded: there is no network"):
        registry.load(choice, device="cpu", cache_dir=tmp_path)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("choice", ["yolo", "yolo:yolov8x-oiv7"])
def test_official_weights_are_taken_from_disk(yolo_file, tmp_path, choice):
    (tmp_path / "ultralytics").mkdir()
    shutil.copy(yolo_file, tmp_path / "ultralytics" / "yolov8x-oiv7.pt")

    assert registry.load(choice, device="cpu", cache_dir=tmp_path).spec.weights == (
        "yolov8x-oiv7.pt"
    )


def test_pillow_opens_files_as_before():
    """The library puts an `open` of its own into Pillow that installs packages for bad files."""
    program = (
        "import ml.encoders.families.yolo; from ml.images.decode import decode\n"
        "from ml.errors import UndecodableImage\n"
        "from PIL import Image; assert Image.open.__module__ == 'PIL.Image'\n"
        "try: decode(b'no picture', max_pixels=10)\n"
        "except UndecodableImage as err: print(err)"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert done.stdout == "The file is not a picture of a format that is read.\n", done.stderr
