import cv2
import numpy as np
import pytest

from ml.panels import Layout, draw_overlay, split
from ml.panels.outlines import PanelOutline, outline_iou, outline_of
from tests.unit.ml.panels import pictures

WHITE, PALE, BLACK = (255, 255, 255), (236, 232, 222), (8, 8, 8)
# Two tiers, one of them cut by slanted gutters.
SLANTED = [
    [(30, 30), (330, 30), (270, 420), (30, 400)],
    [(345, 30), (770, 30), (770, 462), (285, 421)],
    [(30, 418), (770, 480), (770, 760), (30, 760)],
    [(30, 776), (420, 776), (470, 1170), (30, 1170)],
    [(436, 776), (770, 776), (770, 1170), (486, 1170)],
]
STRIP = [(4, 4, 236, 296), (252, 4, 484, 296), (500, 4, 732, 296)]


def comic(polygons, size, *, gutter=WHITE, frame_px=3, drawn=pictures.photo):
    """Return a page with pictures in frames."""
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    pixels[:] = gutter
    ink = (20, 20, 20) if gutter[0] > 128 else (250, 250, 250)
    for number, polygon in enumerate(polygons):
        corners = np.array(polygon, np.int32)
        x0, y0, width, height = cv2.boundingRect(corners)
        mask = np.zeros(pixels.shape[:2], np.uint8)
        cv2.fillConvexPoly(mask, corners, 1)
        page = pixels.copy()
        x1, y1 = min(x0 + width, size[0]), min(y0 + height, size[1])
        page[y0:y1, x0:x1] = drawn(number, width, height)[: y1 - y0, : x1 - x0]
        pixels[mask > 0] = page[mask > 0]
        if frame_px:
            cv2.polylines(pixels, [corners], True, ink, frame_px, cv2.LINE_AA)
    return pixels


def corners_of(box):
    x0, y0, x1, y1 = box
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def lines(seed, width, height):
    """Return a line drawing on white."""
    rng = np.random.default_rng(seed)
    drawn = np.full((height, width, 3), 255, np.uint8)
    for _ in range(4):
        centre = tuple(int(rng.integers(side // 4, 3 * side // 4)) for side in (width, height))
        axes = tuple(int(rng.integers(10, 50)) for _ in range(2))
        cv2.ellipse(drawn, centre, axes, 30, 0, int(rng.integers(200, 360)), (10, 10, 10), 2)
    return drawn


def assert_is_comic(pixels, polygons, *, min_iou=0.9):
    splitting = split(pixels)
    assert splitting.layout is Layout.COMIC
    found = [panel.outline or PanelOutline.of_box(panel.box) for panel in splitting.panels]
    assert len(found) == len(polygons), found
    for polygon in polygons:
        assert max(outline_iou(outline_of(polygon), other) for other in found) >= min_iou
    for panel in splitting.panels:
        assert panel.outline is None or panel.outline.box == panel.box


@pytest.mark.parametrize("gutter", [WHITE, PALE, BLACK], ids=["white", "pale", "black"])
def test_slanted_gutters_part_panels_into_polygons(gutter):
    pixels = comic(SLANTED, (800, 1200), gutter=gutter)

    assert_is_comic(pictures.as_jpeg(pixels), SLANTED)
    assert sum(panel.outline is not None for panel in split(pixels).panels) >= 4


def test_outlines_are_pixels_of_the_original():
    pixels = comic(SLANTED, (800, 1200))
    twice = cv2.resize(pixels, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)

    assert_is_comic(twice, [[(2 * x, 2 * y) for x, y in polygon] for polygon in SLANTED])


@pytest.mark.parametrize("frame_px", [1, 2])
def test_line_drawings_in_thin_frames_on_white_are_a_comic_and_no_page(frame_px):
    polygons = [corners_of(box) for box in STRIP]
    pixels = comic(polygons, (736, 300), frame_px=frame_px, drawn=lines)
    for x0, y0, *_ in STRIP:
        for row in range(3):
            pictures.write(pixels, "the old road returns", (x0 + 16, y0 + 24 + 20 * row))

    assert_is_comic(pixels, polygons)


def test_speech_across_a_gutter_joins_no_panels():
    pixels = comic(SLANTED, (800, 1200))
    for ink, width in ((WHITE, -1), ((20, 20, 20), 2)):
        cv2.ellipse(pixels, (300, 200), (70, 40), 0, 0, 360, ink, width, cv2.LINE_AA)

    assert_is_comic(pixels, SLANTED)


def test_a_panel_may_reach_the_papers_edge():
    polygons = [list(polygon) for polygon in SLANTED]
    polygons[2] = [(0, 418), (800, 480), (800, 760), (0, 760)]

    assert_is_comic(comic(polygons, (800, 1200)), polygons)


@pytest.mark.parametrize("number", range(4))
def test_one_drawing_is_no_comic(number):
    drawn = lines(number, 700, 900)

    assert split(drawn).layout is not Layout.COMIC


def test_a_window_in_a_photo_makes_no_comic():
    pixels = pictures.photo(3, 800, 600)
    pixels[100:400, 200:600] = 250
    pixels[100:400, 392:408] = pixels[242:258, 200:600] = 60

    assert split(pixels).layout is not Layout.COMIC


def test_a_page_so_small_that_no_word_could_be_read_is_none():
    small = cv2.resize(comic(SLANTED, (800, 1200)), (200, 300), interpolation=cv2.INTER_AREA)

    assert split(small).layout is not Layout.COMIC


def test_photos_side_by_side_stay_a_collage():
    boxes, size = pictures.grid(3, 2, (260, 220), 12, margin=12)

    assert split(pictures.collage(boxes, size)).layout is Layout.COLLAGE


def test_an_overlay_shows_slanted_sides():
    pixels = comic(SLANTED, (800, 1200))
    splitting = split(pixels)

    drawn = draw_overlay(pixels, splitting)

    slanted = next(panel.outline for panel in splitting.panels if panel.outline)
    (x0, y0), (x1, y1) = slanted.corners[1], slanted.corners[2]
    middle = drawn[round((y0 + y1) / 2), round((x0 + x1) / 2)]
    assert not np.array_equal(middle, pixels[round((y0 + y1) / 2), round((x0 + x1) / 2)])
