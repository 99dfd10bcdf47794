import numpy as np

from ml.panels.measurement.work_copy import make_work_copy
from ml.panels.search.panel_search import find_panels
from tests.unit.ml.panels import pictures

MARGIN, WIDTH, HEIGHT, RIM = 30, 400, 150, 7


class SureOfTheRim:
    """Classifiers that find the cut above the rim likeliest, then the one between the photos."""

    def cut_probabilities(self, region, cuts):
        position, probability = (
            (MARGIN + WIDTH // 2, 0.95) if cuts.is_upright else (MARGIN + HEIGHT - RIM, 0.99)
        )
        is_near = np.abs(cuts.positions - position) <= 1
        return np.where(is_near, probability, 0.0).astype(np.float32)

    def panel_probability(self, box, features):
        return 0.9


def test_a_rim_that_comes_back_keeps_nothing_from_being_cut():
    size = (WIDTH + 2 * MARGIN, HEIGHT + 2 * MARGIN)
    halves = [
        (MARGIN + x, MARGIN, MARGIN + x + WIDTH // 2, MARGIN + HEIGHT) for x in (0, WIDTH // 2)
    ]
    pixels = pictures.collage(halves, size, canvas=(250, 250, 250))
    # A line along two thirds of each lower side: the side itself is clearer, and near.
    first, last = MARGIN + WIDTH // 6, MARGIN + 5 * WIDTH // 6
    lower = pixels[MARGIN + HEIGHT - RIM : MARGIN + HEIGHT, first:last]
    lower[:] = lower // 3

    found, _ = find_panels(make_work_copy(pixels), SureOfTheRim())

    assert [(each.box.x0, each.box.y0, each.box.x1, each.box.y1) for each in found] == halves
