"""What the classifier learns from."""

import numpy as np
import pytest
from PIL import Image

from ml.media.statistics import NAMES
from ml.rules.media import Medium
from ml.training.media import examples


@pytest.fixture
def photos(tmp_path, photo_like):
    path = tmp_path / "photo.png"
    Image.fromarray(photo_like).save(path)
    return [path]


def of_clip_art(path, drawn: Image.Image) -> list[Medium]:
    drawn.save(path)
    found = examples.of_clip_art(0, pictures=[path], seed=1)
    return [each.medium for each in found]


def test_a_photo_teaches_itself_and_drawings_of_it(photos) -> None:
    found = [one for index in range(5) for one in examples.of_photo(index, photos=photos, seed=1)]
    assert [each.kind for each in found if each.medium is Medium.PHOTO] == ["photo"] * 5
    assert {each.medium for each in found} == {
        *(Medium.PHOTO, Medium.SKETCH, Medium.CARTOON, Medium.PAINTING, Medium.UNKNOWN)
    }
    assert all(each.row.shape == (len(NAMES),) for each in found)


def test_the_same_seed_gives_the_same_numbers(photos) -> None:
    once, again, other = (
        examples.of_photo(3, photos=photos, seed=seed)[0].row for seed in (1, 1, 2)
    )
    assert np.array_equal(once, again)
    assert not np.array_equal(once, other)


def test_coloured_clip_art_is_a_cartoon(tmp_path, flat_colours) -> None:
    drawn = Image.fromarray(flat_colours)
    assert of_clip_art(tmp_path / "clip.png", drawn) == [Medium.CARTOON]


def test_line_art_is_a_sketch(tmp_path, line_drawing) -> None:
    drawn = Image.fromarray(line_drawing)
    assert of_clip_art(tmp_path / "clip.png", drawn) == [Medium.SKETCH]


def test_a_silhouette_teaches_nothing(tmp_path) -> None:
    assert of_clip_art(tmp_path / "clip.png", Image.new("RGB", (80, 80))) == []


def test_an_empty_picture_teaches_nothing(tmp_path) -> None:
    assert of_clip_art(tmp_path / "clip.png", Image.new("RGBA", (80, 80))) == []


def test_a_damaged_file_teaches_nothing(tmp_path) -> None:
    path = tmp_path / "clip.png"
    path.write_bytes(b"no picture")
    assert examples.of_clip_art(0, pictures=[path], seed=1) == []
