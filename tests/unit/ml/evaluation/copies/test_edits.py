import numpy as np
import pytest
from PIL import Image

from ml.copies.made import edits
from tests.pictures import corners, noise

WHITE = Image.new("RGB", (200, 100), "white")
BLACK = Image.new("RGB", (300, 300))


@pytest.mark.parametrize("edit", edits.GRID, ids=lambda edit: edit.name)
@pytest.mark.parametrize("size", [(1, 1), (3, 90), (64, 48)], ids=str)
def test_every_edit_is_a_picture_and_the_same_again(edit, size):
    image = noise(np.random.default_rng(1), *size)
    before = image.copy()

    first, second = (
        edit.apply(image, edit.strength, np.random.default_rng(5), BLACK) for _ in range(2)
    )

    assert (first.mode, first.tobytes(), first.size) == ("RGB", second.tobytes(), second.size)
    assert image.tobytes() == before.tobytes()


def test_names_are_unique_and_every_family_of_the_grid_is_there():
    assert len({edit.name for edit in edits.GRID}) == len(edits.GRID)
    assert {edit.family for edit in edits.GRID} == {
        *("crop", "rotate", "mirror", "text", "colour", "blur", "jpeg", "padding", "inside")
    }


@pytest.mark.parametrize("kept_percent", [80, 25], ids=str)
def test_a_crop_keeps_its_share_of_the_area(rng, kept_percent):
    found = edits.crop(WHITE, kept_percent, rng, BLACK)

    assert found.width * found.height / 20_000 == pytest.approx(kept_percent / 100, abs=0.01)
    assert found.width / found.height == pytest.approx(2, abs=0.02)


def test_a_quarter_turn_swaps_the_sides(rng):
    assert edits.rotate(corners(64, 32), 90, rng, BLACK).size == (32, 64)


def test_the_mirror_swaps_left_and_right(rng):
    found = edits.mirror(corners(), 100, rng, BLACK)

    assert found.getpixel((0, 0)) == corners().getpixel((63, 0))


def test_text_changes_a_band_and_leaves_the_rest(rng):
    found = np.asarray(edits.write_text(WHITE, 16, rng, BLACK))

    changed = (found != 255).any(axis=(1, 2))
    assert 8 <= changed.sum() <= 30


def test_colour_changes_by_the_share_asked_for(rng):
    grey = Image.new("RGB", (4, 4), (100, 100, 100))

    found = edits.change_colour(grey, 40, rng, BLACK).getpixel((0, 0))

    # Grey has no saturation and a plain picture no contrast: brightness alone is left.
    assert found in [(140, 140, 140), (60, 60, 60)]


def test_padding_adds_its_share_of_the_short_side(rng):
    found = edits.pad(WHITE, 25, rng, BLACK)

    assert found.size == (250, 150)
    assert found.getpixel((25, 25)) == (255, 255, 255)


@pytest.mark.parametrize("area_percent", [10, 25], ids=str)
def test_inside_another_picture_it_covers_the_share(rng, area_percent):
    found = np.asarray(edits.place_inside(WHITE, area_percent, rng, BLACK))

    assert found.shape == (300, 300, 3)
    assert (found[..., 0] > 128).mean() == pytest.approx(area_percent / 100, abs=0.01)


def test_inside_a_narrow_picture_it_is_made_to_fit(rng):
    found = np.asarray(edits.place_inside(WHITE, 50, rng, Image.new("RGB", (10, 400))))

    assert (found[..., 0] > 128).any(axis=0).sum() == 10


def test_stronger_blur_and_compression_lose_more(rng):
    image = noise(rng, 64, 64)

    def loss(apply, strength):
        found = np.asarray(apply(image, strength, rng, BLACK), dtype=float)
        return np.abs(found - np.asarray(image, dtype=float)).mean()

    blurred = [loss(edits.blur, radius) for radius in (1, 2, 4)]
    compressed = [loss(edits.compress, quality) for quality in (40, 15, 5)]
    assert blurred == sorted(blurred)
    assert compressed == sorted(compressed)
