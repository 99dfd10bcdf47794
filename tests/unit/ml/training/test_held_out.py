from pathlib import Path

import numpy as np
import pytest
import torch

from ml.training.data.pictures import Picture, PictureSet
from ml.training.data.sources import Entry
from ml.training.held_out import HeldOut
from tests.unit.ml.training.tiny import PLAIN_VIEWS, PREPROCESS, recipe


def shades(**labels):
    """One plain grey picture for each shade that a label lists."""
    pictures = [
        Picture(
            Entry(Path(f"{shade}"), f"{shade}", label),
            sha256=f"{shade}",
            pixels=np.full((20, 20, 3), shade, np.uint8),
        )
        for label, listed in labels.items()
        for shade in listed
    ]
    return PictureSet(tuple(pictures), (), (), max_pixels=1000)


def by_angle(pixels):
    """An embedding whose angle in degrees is the picture's shade."""
    angles = torch.deg2rad(pixels.double().mean(dim=(1, 2, 3)))
    return torch.stack([angles.cos(), angles.sin()], dim=1)


def test_labelled_pictures_are_searched_among_all_others(tmp_path):
    # given: 10 and 40 find their own kind first; 21 and 30 find each other first
    pictures = shades(a=[10, 21], b=[30, 40])

    metrics = HeldOut(pictures, recipe(tmp_path, steps=1, data__kind="folder"), PREPROCESS)

    assert metrics.measure(by_angle) == {"map": pytest.approx((1 + 1 / 2 + 1 / 2 + 1) / 4)}


def test_whole_subjects_are_measured_up_to_the_limit(tmp_path):
    pictures = shades(a=[10, 20], b=[50, 60], c=[90, 100])
    config = recipe(tmp_path, steps=1, data__kind="folder", data__max_held_out=5)
    seen = []

    def embed(pixels):
        seen.extend(pixels[:, 0, 0, 0].tolist())
        return by_angle(pixels)

    HeldOut(pictures, config, PREPROCESS).measure(embed)

    assert sorted(seen) in ([10, 20, 50, 60], [10, 20, 90, 100], [50, 60, 90, 100])


def test_made_views_are_searched_among_the_pictures(tmp_path):
    # given: views that are the pictures, but the embedding cannot tell 40 from 41
    plain = {name.replace(".", "__"): value for name, value in PLAIN_VIEWS.items()}
    pictures = shades(a=[10], b=[40], c=[41])

    def blunt(pixels):
        return by_angle(torch.where(pixels == 41, 40, pixels))

    measure = HeldOut(pictures, recipe(tmp_path, steps=1, **plain), PREPROCESS).measure

    # then: equals are in the worst order
    assert measure(by_angle) == {"map": 1.0, "map_photo": 1.0}
    expected = pytest.approx((1 + 1 / 2 + 1 / 2) / 3)
    assert measure(blunt) == {"map": expected, "map_photo": expected}


def test_drawings_are_measured_beside_edits(tmp_path):
    config = recipe(tmp_path, steps=1, views__drawing_weights={"pencil": 1.0})

    metrics = HeldOut(shades(a=[10], b=[200]), config, PREPROCESS).measure(by_angle)

    assert metrics.keys() == {"map", "map_photo", "map_drawing"}
    assert metrics["map"] == (metrics["map_photo"] + metrics["map_drawing"]) / 2
