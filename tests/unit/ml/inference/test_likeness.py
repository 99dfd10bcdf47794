"""Which cells are alike: of maps made by hand, and as a real encoder sees an object that moved."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from config.env import ROOT
from ml.encoders import registry
from ml.encoders.base import MAX_MAP_SIDE, FeatureMap, PreprocessConfig
from ml.encoders.preprocess import pooled, seen_share, to_pixels
from ml.inference.likeness import cell_likeness

ALL = (0.0, 0.0, 1.0, 1.0)
PACKAGED: Path = ROOT / "ml" / "encoders" / "weights" / "semblance_lite"


def made(*rows: list[list[float]]) -> FeatureMap:
    return FeatureMap(np.array(rows, np.float32), ALL)


def test_the_median_of_all_pairs_is_nothing_and_the_same_is_all():
    # given cosines 1, 0.6, 0 of one cell and 0, 0.8, 1 of the other: their median is 0.7
    first = made([[1.0, 0.0], [0.0, 1.0]])
    second = made([[1.0, 0.0]], [[0.6, 0.8]], [[0.0, 1.0]])

    found = cell_likeness(first, second)

    assert found.tolist() == [[255, 0, 0], [0, round(255 * 0.1 / 0.3), 255]]


def test_cells_that_are_all_the_same_are_all_alike():
    same = made([[1.0, 0.0], [1.0, 0.0]])

    assert cell_likeness(same, same).tolist() == [[255, 255], [255, 255]]


def test_a_large_map_is_averaged_by_a_whole_factor():
    cells = np.arange(40 * 17, dtype=np.float32).reshape(40, 17, 1)

    found = pooled(cells)

    assert found.shape == (14, 9, 1)
    assert max(found.shape[:2]) <= MAX_MAP_SIDE
    assert found[0, 0, 0] == cells[:3, :2].mean()
    assert found[13, 8, 0] == cells[39:, 16:].mean()


@pytest.mark.parametrize(
    ("resize", "expected"),
    [
        ("squash", ALL),
        ("shortest_side", (0.25, 0.0, 0.75, 1.0)),
        ("letterbox", None),
    ],
)
def test_a_grid_lies_over_what_the_network_looks_at(resize, expected):
    config = PreprocessConfig(100, resize, 100, "bilinear", (0, 0, 0), (1, 1, 1))

    assert seen_share((400, 200), config) == expected


@pytest.fixture(scope="module")
def encoder():
    return registry.load("semblance_lite", device="cpu", threads=1)


def scene(x: int, y: int) -> Image.Image:
    """A clock of 130 px at a position on a plain wall of 450 × 450."""
    picture = Image.new("RGB", (450, 450), (196, 186, 170))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((x, y, x + 130, y + 130), fill=(250, 250, 245), outline=(90, 20, 20), width=12)
    draw.line((x + 65, y + 65, x + 65, y + 22), fill=(0, 0, 0), width=7)
    draw.line((x + 65, y + 65, x + 98, y + 80), fill=(0, 0, 0), width=7)
    for mark in ((65, 14), (114, 65), (65, 114), (14, 65)):
        draw.ellipse((x + mark[0] - 4, y + mark[1] - 4, x + mark[0] + 4, y + mark[1] + 4), fill=0)
    return picture


def is_inside(cell: int, grid: int, x: int, y: int) -> bool:
    """Whether the middle of a cell lies on the clock, or a third of a cell beside it."""
    size = 450 / grid
    middle = ((cell % grid + 0.5) * size, (cell // grid + 0.5) * size)
    return all(
        low - size / 3 <= at <= low + 130 + size / 3 for low, at in zip((x, y), middle, strict=True)
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [((20, 20), (300, 300)), ((300, 20), (20, 300)), ((160, 300), (160, 20))],
    ids=["falling", "rising", "down to up"],
)
def test_an_object_that_moved_is_found_where_it_is(encoder, first, second):
    maps = encoder.feature_maps([scene(*first), scene(*second)])

    grid = maps[0].features.shape[0]
    assert [each.features.shape[:2] for each in maps] == [(grid, grid)] * 2
    likeness = cell_likeness(*maps)
    on_object = [cell for cell in range(grid**2) if is_inside(cell, grid, *first)]
    middle = max(on_object, key=lambda cell: likeness[cell].max())
    best = int(likeness[middle].argmax())
    assert is_inside(best, grid, *second), (middle, best)
    # the wall is like the wall, and not like the clock
    corner = next(c for c in (0, grid - 1, grid**2 - 1) if not is_inside(c, grid, *first))
    assert not is_inside(int(likeness[corner].argmax()), grid, *second)


def test_the_mean_of_a_map_is_what_the_embedding_is_made_of(encoder):
    pixels = to_pixels([scene(100, 100)], encoder.spec.preprocess)

    [cells] = encoder._mapper().run(pixels)
    [outputs] = encoder._network.run(pixels)

    # where this processor has it, the embedding is computed in half precision and the map is not
    cosine = float(
        (cells.mean(axis=(2, 3)) * outputs).sum()
        / np.linalg.norm(cells.mean(axis=(2, 3)))
        / np.linalg.norm(outputs)
    )
    assert cosine == pytest.approx(1, abs=2e-3)


def test_rows_are_of_unit_length(encoder):
    [found] = encoder.feature_maps([scene(100, 100)])

    assert found.seen == ALL
    assert np.linalg.norm(found.features, axis=2) == pytest.approx(
        np.ones(found.features.shape[:2]), abs=1e-5
    )


def test_of_the_same_picture_each_cell_is_most_like_itself(encoder):
    maps = encoder.feature_maps([scene(100, 100)] * 2)

    assert cell_likeness(*maps).diagonal().tolist() == [255] * 49
