import numpy as np

from ml.panels.panel_search import find_panels
from ml.panels.sheet import make_sheet
from tests.unit.ml.panels import pictures

MARGIN, WIDTH, HEIGHT, RIM = 30, 400, 150, 7


class SureOfTheRim:
    """A judge that is surest of the cut above the rim, and sure of the one between the photos."""

    def cuts(self, sheet, region, cuts):
        place, sure = (
            (MARGIN + WIDTH // 2, 0.95) if cuts.is_upright else (MARGIN + HEIGHT - RIM, 0.99)
        )
        return np.where(np.abs(cuts.places - place) <= 1, sure, 0.0).astype(np.float32)

    def panel(self, sheet, outline, features):
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

    found, _ = find_panels(make_sheet(pixels), SureOfTheRim())

    assert [(each.box.x0, each.box.y0, each.box.x1, each.box.y1) for each in found] == halves
