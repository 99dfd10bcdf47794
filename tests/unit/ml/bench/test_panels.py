import cv2
import numpy as np
import pytest

from ml.bench import panels
from tests.unit.ml.bench.clocks import Durations


def test_a_picture_takes_what_its_quickest_pass_took(folder):
    clock = Durations(0.050, 0.030, 0.002, 0.001, 0.020, 0.070, 0.003, 0.004)

    usual, own = panels.measure(folder, rounds=2, count=None, clock=clock)

    assert (usual.cases, own.cases) == (("0.png", "1.png"), ("0.png", "1.png"))
    assert usual.ms == pytest.approx((30, 20))
    assert own.ms == pytest.approx((1, 3))
    assert clock.left == []


def test_pictures_are_resized_to_the_usual_size_only(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(panels, "split", lambda pixels: seen.append(pixels.shape))
    cv2.imwrite(str(tmp_path / "0.png"), np.zeros((1300, 1700, 3), np.uint8))

    panels.measure(tmp_path, rounds=1, count=None)

    assert seen[1:] == [(1200, 1600, 3), (1300, 1700, 3)]
