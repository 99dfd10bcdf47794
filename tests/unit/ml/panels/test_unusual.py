"""Collages that canvases, cuts and textures alone do not tell."""

import cv2
import numpy as np
import pytest

from ml.panels import Layout, split
from tests.unit.ml.panels import pictures

WHITE, BLACK, PAPER = (255, 255, 255), (0, 0, 0), (236, 230, 214)
TWO = [(70, 90, 380, 330), (480, 280, 830, 560)]


def assert_found(pixels, boxes, *, within_px):
    splitting = split(pictures.as_jpeg(pixels, 92))
    found = [(p.box.x0, p.box.y0, p.box.x1, p.box.y1) for p in splitting.panels]
    assert len(found) == len(boxes), found
    for box in boxes:
        assert min(np.abs(np.subtract(other, box)).max() for other in found) <= within_px, found


def framed(boxes, *, colour, rim=12):
    """Framed photos on a photo."""
    pixels = pictures.photo(77, 900, 640)
    for number, (x0, y0, x1, y1) in enumerate(boxes):
        pixels[y0 - rim : y1 + rim, x0 - rim : x1 + rim] = colour
        pixels[y0:y1, x0:x1] = pictures.photo(number, x1 - x0, y1 - y0)
    return pixels


@pytest.mark.parametrize("colour", [WHITE, BLACK, (190, 30, 40)], ids=["white", "black", "red"])
def test_framed_photos_are_found_on_a_photo(colour):
    assert_found(framed(TWO, colour=colour), TWO, within_px=3)


def test_frames_of_other_colours_are_things_in_one_photo():
    pixels = framed(TWO[:1], colour=WHITE)
    half = np.s_[:, 440:]  # where the second lies, rim and all
    pixels[half] = framed(TWO[1:], colour=BLACK)[half]

    assert split(pixels).panels == ()


def test_windows_in_a_shaded_wall_are_things_in_one_photo():
    rng = np.random.default_rng(5)
    wall = pictures.gradient((900, 640), (215, 205, 190), (120, 110, 100))
    wall = np.clip(wall + rng.normal(0, 4, wall.shape), 0, 255).astype(np.uint8)
    for number, (x0, y0, x1, y1) in enumerate(TWO):
        wall[y0:y1, x0:x1] = pictures.photo(number, x1 - x0, y1 - y0)
    frames = wall.copy()
    for x0, y0, x1, y1 in TWO:  # painted, lit from the left, and seen by a camera
        lit = np.linspace(250, 190, x1 - x0 + 24)[None, :, None]
        frames[y0 - 12 : y1 + 12, x0 - 12 : x1 + 12] = lit
        frames[y0:y1, x0:x1] = wall[y0:y1, x0:x1]
    turned = cv2.warpAffine(
        frames, cv2.getRotationMatrix2D((450, 320), 2.0, 1.1), (900, 640), borderValue=BLACK
    )

    assert split(pictures.as_jpeg(np.asarray(turned, np.uint8))).panels == ()


def faded(boxes, size, *, canvas, blur):
    """Photos that fade into the canvas: half gone where the boxes are."""
    pixels = np.zeros((size[1], size[0], 3), np.float32)
    pixels[:] = canvas
    for number, (x0, y0, x1, y1) in enumerate(boxes):
        mask = np.zeros((size[1], size[0]), np.float32)
        mask[y0:y1, x0:x1] = 1
        mask = cv2.GaussianBlur(mask, (0, 0), blur)[..., None]
        shown = pictures.photo(40 + number, size[0], size[1])
        pixels = pixels * (1 - mask) + shown * mask
    return pixels.astype(np.uint8)


@pytest.mark.parametrize("canvas", [WHITE, BLACK, PAPER], ids=["white", "black", "paper"])
def test_soft_sides_are_where_half_is_gone(canvas):
    boxes = [(80, 80, 480, 420), (600, 80, 1000, 420)]

    assert_found(faded(boxes, (1080, 500), canvas=canvas, blur=14), boxes, within_px=12)


def test_oval_things_on_a_plain_ground_do_not_fade():
    pixels = np.full((500, 1080, 3), 255, np.uint8)
    thing = faded([(0, 0, 1080, 500)], (1080, 500), canvas=WHITE, blur=1)
    y, x = np.ogrid[:500, :1080]
    for middle in (280, 800):
        is_thing = ((x - middle) / 200) ** 2 + ((y - 250) / 170) ** 2 < 1
        pixels[is_thing] = thing[is_thing]
    pixels = cv2.GaussianBlur(pixels, (0, 0), 6)

    assert split(np.asarray(pixels, np.uint8)).panels == ()


def test_dark_photos_across_from_each_other_tell_of_those_between():
    boxes, size = pictures.grid(2, 2, (400, 300), gutter=20, margin=20)
    pixels = pictures.collage(boxes, size, canvas=BLACK)
    for x0, y0, x1, y1 in (boxes[0], boxes[3]):  # the lower right half lies in the dark
        height, width = y1 - y0, x1 - x0
        lit = np.linspace(1.2, -0.25, width)[None] + np.linspace(0.3, -0.3, height)[:, None]
        night = pixels[y0:y1, x0:x1] * lit.clip(0, 1)[..., None] * 0.3
        pixels[y0:y1, x0:x1] = night.astype(np.uint8)

    assert_found(pixels, boxes, within_px=4)


def sky(start, stop, size=(400, 300)):
    return pictures.gradient(size, start, stop)


def test_plain_skies_side_by_side_are_panels():
    pixels = np.full((300, 820, 3), 255, np.uint8)
    pixels[:, :400] = sky((70, 95, 120), (150, 190, 240))
    pixels[:, 420:] = sky((250, 175, 125), (150, 105, 75))

    assert_found(pixels, [(0, 0, 400, 300), (420, 0, 820, 300)], within_px=2)


@pytest.mark.parametrize("gutter", [0, 20], ids=["touching", "apart"])
def test_a_horizon_and_the_bars_of_a_flag_are_no_panels(gutter):
    horizon = np.concatenate(
        [sky((90, 120, 160), (190, 210, 240)), sky((20, 60, 90), (60, 90, 99))]
    )
    flag = np.full((300, 800 + gutter, 3), 255, np.uint8)
    flag[:, :400], flag[:, 400 + gutter :] = (20, 60, 160), (200, 30, 40)

    for pixels in (horizon, flag, sky((90, 120, 160), (190, 210, 240))):
        splitting = split(pictures.as_jpeg(np.ascontiguousarray(pixels), 92))
        assert (splitting.layout, splitting.panels) == (Layout.SINGLE, ())
