import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.pictures import list_pictures, noted, write_negatives, write_noted, write_pictures
from tests.pictures import BLUE, RED, corners, encoded, plain


def opened(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"), dtype=int)


def pixels(data: bytes) -> list[int]:
    with Image.open(io.BytesIO(data)) as picture:
        return list(picture.convert("RGB").tobytes())


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_as_many_pictures_as_asked_for(source: Path, tmp_path: Path, count: int) -> None:
    write_pictures(source, tmp_path / "target", count=count)

    assert len(list((tmp_path / "target").iterdir())) == count


def test_the_first_are_copies_then_mirrored_then_turned(source: Path, tmp_path: Path) -> None:
    write_pictures(source, tmp_path / "target", count=8)

    files = sorted((tmp_path / "target").iterdir())
    names = [file.name for file in files]
    assert names[:3] == ["000000.png", "000001.png", "000002.jpg"]
    assert files[0].read_bytes() == (source / "a.png").read_bytes()
    original = opened(files[0])
    turned = [original[:, ::-1], original[::-1], original[::-1, ::-1]]
    for file, expected in zip(files[2::2], turned, strict=True):
        # JPEG blurs the edges between the quarters; an unturned picture is 100 away.
        assert np.abs(opened(file) - expected).mean() < 6


def test_too_few_pictures(source: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has 2 pictures, too few to make 9"):
        write_pictures(source, tmp_path / "target", count=9)


def test_no_pictures(tmp_path: Path) -> None:
    (tmp_path / "empty" / "folder.jpg").mkdir(parents=True)

    with pytest.raises(ValueError, match="There is no picture in"):
        write_pictures(tmp_path / "empty", tmp_path / "target", count=1)
    with pytest.raises(ValueError, match="There is no picture in"):
        list_pictures(tmp_path / "nowhere")


# Notes


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(encoded(corners(), "JPEG"), id="JFIF"),
        pytest.param(encoded(corners(), "JPEG", exif=Image.Exif()), id="JPEG"),
        pytest.param(encoded(corners()), id="PNG"),
        pytest.param(encoded(corners().convert("P")), id="PNG with a palette"),
    ],
)
def test_a_note_changes_the_file_and_no_pixel(data: bytes) -> None:
    files = [data, noted(data, "turn 1"), noted(data, "turn 2")]

    assert len(set(files)) == 3
    assert pixels(files[1]) == pixels(files[2]) == pixels(data)


def test_a_note_can_be_read() -> None:
    jpeg = Image.open(io.BytesIO(noted(encoded(corners(), "JPEG"), "turn 1")))
    note = noted(encoded(corners()), "turn 1")
    png = Image.open(io.BytesIO(note))

    assert (jpeg.info["comment"], jpeg.info["jfif_version"]) == (b"turn 1", (1, 1))
    assert png.text == {"Comment": "turn 1"}
    Image.open(io.BytesIO(note)).verify()  # its checksums


def test_a_jpeg_without_an_applications_segment_takes_a_note() -> None:
    data = encoded(corners(), "JPEG")
    bare = data[:2] + data[20:]  # JFIF's segment has 18 bytes

    assert pixels(noted(bare, "a")) == pixels(data)


def test_other_files_take_no_note() -> None:
    with pytest.raises(ValueError, match="Only JPEG and PNG"):
        noted(encoded(corners(), "GIF"), "turn 1")


def test_every_turn_has_other_files_of_the_same_pixels(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "0.png").write_bytes(encoded(corners()))
    (tmp_path / "pictures" / "1.jpg").write_bytes(encoded(corners(), "JPEG"))
    (tmp_path / "pictures" / "2.gif").write_bytes(encoded(corners(), "GIF"))

    for turn in ("one", "two"):
        write_noted(tmp_path / "pictures", tmp_path / turn, note=turn)

    turns = [sorted((tmp_path / turn).iterdir()) for turn in ("one", "two")]
    assert [file.name for file in turns[0]] == ["0.png", "1.jpg", "2.jpg"]
    for one, two in zip(*turns, strict=True):
        assert one.read_bytes() != two.read_bytes()
        assert pixels(one.read_bytes()) == pixels(two.read_bytes())


def test_negatives_begin_again_with_files_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    for name, colour in (("0.png", RED), ("1.png", BLUE)):
        (tmp_path / "pictures" / name).write_bytes(plain(colour))

    write_negatives(tmp_path / "pictures", tmp_path / "target", count=5, note="warm-up")

    files = sorted((tmp_path / "target").iterdir())
    inverse = [tuple(255 - value for value in colour) for colour in (RED, BLUE, RED, BLUE, RED)]
    for file, expected in zip(files, inverse, strict=True):
        assert np.abs(opened(file) - expected).max() < 4
    assert len({hashlib.sha256(file.read_bytes()).hexdigest() for file in files}) == 5
