from dataclasses import replace

import cv2
import numpy as np
import pytest

from ml.copies.keypoints import detect
from tests.unit.ml.copies.scenes import scene

SIDE_PX = 160
CENTRES, DEVIATIONS = ((48, 52), (111, 46), (80, 118)), (3.0, 6.0, 9.0)


def bells():
    """Bells of three sizes."""
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX]
    levels = np.full((SIDE_PX, SIDE_PX), 60.0)
    for (centre_x, centre_y), deviation in zip(CENTRES, DEVIATIONS, strict=True):
        away = (x - centre_x) ** 2 + (y - centre_y) ** 2
        levels = levels + 110 * np.exp(-0.5 * away / deviation**2)
    return np.rint(levels).astype(np.uint8)


def nearest(found, point):
    """The index of the keypoint nearest to a point, and how far it is, pixels."""
    away = np.linalg.norm(found.points - point, axis=1)
    return int(away.argmin()), float(away.min())


def are_found_again(found, expected):
    """Which of the keypoints expected are among those found, at the same place and way."""
    apart = np.linalg.norm(expected.points[:, None] - found.points, axis=2)
    turns = (expected.angles[:, None] - found.angles + 180) % 360 - 180
    ratios = np.abs(np.log2(expected.sizes[:, None] / found.sizes))
    is_same = (apart < expected.sizes[:, None] / 4) & (np.abs(turns) < 15) & (ratios < 0.5)
    return is_same.any(axis=1)


@pytest.mark.parametrize(
    ("centre", "deviation"), list(zip(CENTRES, DEVIATIONS, strict=True)), ids=str
)
def test_a_bell_is_found_at_its_middle_in_its_own_size(centre, deviation):
    found = detect(bells(), limit=600)

    index, away = nearest(found, centre)
    # A bell answers most to a blur as wide as itself; differences are between two blurs, so that
    # the lower of them is found a sixth of an octave below that.
    assert away < 0.1 * deviation
    assert found.sizes[index] / 2 == pytest.approx(deviation * 2 ** (-1 / 6), rel=0.1)


@pytest.mark.parametrize("quarters", range(1, 4))
def test_a_turned_picture_has_the_keypoints_turned(quarters):
    """Angles go clockwise from the right: turned left, what grew lighter there does so above."""
    grey = cv2.cvtColor(scene(1, 257, 257), cv2.COLOR_RGB2GRAY)
    found = detect(grey, limit=600)
    x, y = found.points.T
    for _ in range(quarters):
        x, y = y, 256 - x
    expected = replace(
        found, points=np.stack([x, y], axis=1), angles=(found.angles - 90 * quarters) % 360
    )

    turned = detect(np.rot90(grey, quarters).copy(), limit=600)

    assert len(expected) >= 200
    assert are_found_again(turned, expected).mean() >= 0.9


def test_the_direction_is_where_it_grows_lighter():
    grey = np.full((101, 101), 60, np.uint8)
    cv2.circle(grey, (50, 50), 9, 110, -1)
    grey[:, 50:] += 90

    found = detect(grey, limit=600)

    index, away = nearest(found, (50, 50))
    assert away < 4
    assert abs((found.angles[index] + 180) % 360 - 180) < 10


def test_most_of_what_sift_finds_is_found():
    """OpenCV's SIFT is the oracle, without the blobs that only a doubled picture shows."""
    grey = cv2.cvtColor(scene(1), cv2.COLOR_RGB2GRAY)
    sift = cv2.SIFT.create(contrastThreshold=0.03, enable_precise_upscale=True)
    reference = [one for one in sift.detect(grey, None) if one.size > 3]

    found = detect(grey, limit=600)

    apart = np.linalg.norm(
        np.array([one.pt for one in reference])[:, None] - found.points, axis=2
    ) / np.array([[one.size] for one in reference])
    turns = np.array([[one.angle] for one in reference]) - found.angles
    is_same = (apart < 0.25) & (np.abs((turns + 180) % 360 - 180) < 15)
    assert len(reference) >= 100
    assert is_same.any(axis=1).mean() >= 0.7


def test_half_as_large_the_same_is_found_half_as_large():
    grey = cv2.cvtColor(scene(2, 640, 480), cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)

    expected, found = detect(small, limit=100), detect(grey, limit=600)

    halved = replace(found, points=(found.points - 0.5) / 2, sizes=found.sizes / 2)
    assert are_found_again(halved, expected).mean() >= 0.55


def test_the_strongest_come_first_and_no_more_than_asked_for():
    grey = cv2.cvtColor(scene(1), cv2.COLOR_RGB2GRAY)

    every, some = detect(grey, limit=600), detect(grey, limit=50)

    assert 100 < len(every) < 600
    assert len(some) == 50
    assert np.array_equal(some.points, every.points[:50])
    assert np.array_equal(some.angles, every.angles[:50])


def test_thirds_tell_the_layer_nearest_to_the_size():
    found = detect(cv2.cvtColor(scene(1), cv2.COLOR_RGB2GRAY), limit=600)

    exact = 3 * np.log2(found.sizes / 2)  # of blurs of 1 pixel and more
    assert (np.abs(found.thirds - exact) <= 0.75 + 1e-6).all()
    assert found.thirds.min() >= 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 90), (5, 5), (16, 16), (17, 400)], ids=str)
@pytest.mark.parametrize("level", [0, 130, 255])
def test_nothing_is_found_where_nothing_is(shape, level):
    assert len(detect(np.full(shape, level, np.uint8), limit=600)) == 0


def test_an_edge_is_no_keypoint_but_its_corners_are():
    grey = np.full((120, 160), 60, np.uint8)
    grey[40:90, 50:120] = 190
    corners = np.array([(49.5, 39.5), (119.5, 39.5), (119.5, 89.5), (49.5, 89.5)])

    found = detect(grey, limit=600)

    small = found.points[found.sizes < 8]
    away = np.linalg.norm(small[:, None] - corners, axis=2).min(axis=1)
    assert len(small) >= 4
    assert (away < 8).all()


def test_spread_keypoints_are_of_every_part_and_the_strongest_of_it():
    """A soft picture in a sharp one: of the strongest keypoints of all it has none."""
    rng = np.random.default_rng(2)
    blobs = rng.integers(0, 256, (48, 64)).astype(np.uint8)
    sharp = np.asarray(cv2.resize(blobs, (320, 240), interpolation=cv2.INTER_CUBIC))
    sharp[120:, 160:] = cv2.cvtColor(scene(1, 160, 120), cv2.COLOR_RGB2GRAY) // 8 + 100

    def in_the_soft_part(found):
        return found.points[(found.points[:, 0] > 165) & (found.points[:, 1] > 125)]

    strongest, spread = (detect(sharp, limit=320, is_spread=each) for each in (False, True))

    assert len(strongest) == len(spread) == 320
    assert len(in_the_soft_part(strongest)) < 4
    soft = in_the_soft_part(spread)
    assert len(soft) >= 20
    best = in_the_soft_part(detect(sharp, limit=100_000))[:20]
    assert {tuple(point) for point in best} <= {tuple(point) for point in soft}


def test_few_keypoints_are_all_kept_in_their_order():
    grey = bells()

    spread, strongest = (detect(grey, limit=600, is_spread=each) for each in (True, False))

    assert np.array_equal(spread.points, strongest.points)
