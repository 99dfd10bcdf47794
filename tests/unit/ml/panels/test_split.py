import tracemalloc

import cv2
import numpy as np
import pytest

from ml.panels import Layout, Splitting, draw_overlay, split
from tests.unit.ml.panels import pictures

WHITE, BLACK, BLUE = (255, 255, 255), (0, 0, 0), (30, 70, 160)
MOSAIC = [(0, 0, 300, 600), (300, 0, 800, 250), (300, 250, 520, 600), (520, 250, 800, 600)]
JUSTIFIED = [
    (0, 0, 330, 190),
    (338, 0, 800, 190),
    (0, 198, 200, 420),
    (208, 198, 520, 420),
    (528, 198, 800, 420),
]
# Their order round the middle leaves no straight way through between them.
PINWHEEL = [(40, 40, 460, 240), (500, 40, 720, 460), (300, 500, 720, 700), (40, 280, 260, 700)]


def boxes_of(splitting):
    return [(p.box.x0, p.box.y0, p.box.x1, p.box.y1) for p in splitting.panels]


def assert_found(pixels, boxes, *, within_px=3):
    found = boxes_of(split(pixels))
    expected = sorted(boxes, key=lambda box: (box[1], box[0]))
    assert len(found) == len(expected), found
    for box in expected:
        off = min(np.abs(np.array(other) - box).max() for other in found)
        assert off <= within_px, (box, found)


@pytest.mark.parametrize("gutter", [0, 2, 12, 40])
@pytest.mark.parametrize("canvas", [WHITE, BLACK, BLUE], ids=["white", "black", "blue"])
def test_a_grid_is_found_with_any_gutter(gutter, canvas):
    boxes, size = pictures.grid(3, 2, (240, 200), gutter, margin=gutter)

    pixels = pictures.as_jpeg(pictures.collage(boxes, size, canvas=canvas))

    assert split(pixels).layout is Layout.COLLAGE
    assert_found(pixels, boxes)


@pytest.mark.parametrize(
    ("boxes", "size"),
    [
        pytest.param(MOSAIC, (800, 600), id="mosaic"),
        pytest.param(JUSTIFIED, (800, 520), id="justified"),
        pytest.param([(0, y, 700, y + 150) for y in range(0, 600, 150)], (700, 600), id="strip"),
        pytest.param([(60, 70, 380, 330), (440, 110, 640, 400)], (700, 480), id="framed"),
        pytest.param(PINWHEEL, (760, 740), id="pinwheel"),
    ],
)
def test_a_layout_is_found(boxes, size):
    assert_found(pictures.as_jpeg(pictures.collage(boxes, size, canvas=(240, 236, 228))), boxes)


def test_the_plain_ground_of_a_photo_is_no_canvas_of_those_beside_it():
    boxes = [(0, 0, 200, 240), (200, 0, 700, 240), (700, 0, 900, 240)]
    boxes += [(0, 240, 400, 500), (400, 240, 900, 500)]
    pixels = pictures.collage(boxes, (900, 500))
    thing = pictures.photo(9, 170, 180)
    y, x = np.ogrid[-1:1:180j, -1:1:170j]
    pixels[:240, 200:700] = (250, 250, 250)
    pixels[30:210, 350:520][x**2 + y**2 < 1] = thing[x**2 + y**2 < 1]

    assert_found(pictures.as_jpeg(pixels), boxes)


def test_a_gradient_is_a_canvas():
    size = (760, 740)
    canvas = pictures.gradient(size, (250, 250, 240), (60, 20, 120))

    assert_found(pictures.collage(PINWHEEL, size, canvas=canvas), PINWHEEL)


def test_a_textured_canvas_is_a_canvas():
    size = (760, 740)
    grain = np.random.default_rng(3).normal(0, 4, (size[1], size[0], 1))
    canvas = np.clip(np.array((200, 190, 170)) + grain, 0, 255).astype(np.uint8)

    assert_found(pictures.collage(PINWHEEL, size, canvas=canvas), PINWHEEL)


def test_captions_are_no_panels_and_do_not_widen_them():
    boxes = [(60, 60, 380, 300), (440, 60, 760, 300)]
    pixels = pictures.collage(boxes, (820, 400))
    for x0, *_ in boxes:
        pictures.write(pixels, "summer 2021", (x0, 322), scale=0.45)

    assert_found(pixels, boxes)


def test_round_corners_and_thin_borders_stay_outside_the_count():
    boxes, size = pictures.grid(2, 2, (260, 220), gutter=24, margin=30)
    pixels = pictures.collage(boxes, size)
    for x0, y0, x1, y1 in boxes:
        yy, xx = np.mgrid[0 : y1 - y0, 0 : x1 - x0]
        off_x = np.maximum(16 - xx, xx - (x1 - x0 - 17)).clip(0)
        off_y = np.maximum(16 - yy, yy - (y1 - y0 - 17)).clip(0)
        pixels[y0:y1, x0:x1][off_x**2 + off_y**2 > 256] = 255
        pixels[y0 - 1, x0:x1] = pixels[y1, x0:x1] = 150

    assert_found(pixels, boxes)


@pytest.mark.parametrize("seed", range(6))
def test_a_plain_photo_is_single(seed):
    splitting = split(pictures.photo(seed, 640, 480))

    assert (splitting.layout, splitting.panels) == (Layout.SINGLE, ())


def test_windows_a_fence_and_a_horizon_do_not_part_a_photo():
    pixels = pictures.photo(7, 640, 480)
    sky = pictures.photo(8, 640, 480)
    pixels[:200] = (0.2 * sky[:200] + (120, 150, 190)).astype(np.uint8)  # a horizon, of haze
    pixels[200] = pixels[199] // 2 + pixels[201] // 2
    for x in range(20, 640, 60):  # a fence of leaning posts
        for y in range(260, 480):
            pixels[y, x + (y - 260) // 12 : x + (y - 260) // 12 + 14] = (190, 180, 160)
    for x in (60, 220, 400):  # windows
        pixels[70:160, x : x + 60] = (40, 50, 70)

    assert split(pixels).layout is Layout.SINGLE


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
def test_photos_of_a_page_are_found_among_text_and_icons(is_dark):
    boxes = [(560, 90, 900, 320), (560, 360, 900, 600)]

    pixels = pictures.page(is_dark=is_dark, photos=boxes)

    assert split(pixels).layout is Layout.SCREENSHOT
    assert_found(pixels, boxes)


def test_a_mobile_page_is_a_page():
    boxes = [(20, 300, 370, 520)]

    pixels = pictures.page((390, 844), photos=boxes)

    assert split(pixels).layout is Layout.SCREENSHOT
    assert_found(pixels, boxes)


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
def test_a_page_of_text_only_is_a_page_without_panels(is_dark):
    splitting = split(pictures.page(is_dark=is_dark))

    assert (splitting.layout, splitting.panels) == (Layout.SCREENSHOT, ())


def test_avatars_are_no_photos():
    boxes = [(560, 90, 900, 320)]
    pixels = pictures.page(photos=boxes)
    for y in range(400, 640, 90):
        pixels[y : y + 64, 700:764] = pictures.photo(y, 64, 64)

    assert_found(pixels, boxes)


@pytest.mark.parametrize(("side", "gutter"), [(96, 4), (90, 2), (90, 10)])
def test_a_hundred_tiny_photos_are_a_hundred_panels(side, gutter):
    boxes, size = pictures.grid(10, 10, (side, side), gutter, margin=gutter)

    # The last of so many are not looked into, and may keep a gutter.
    assert_found(pictures.collage(boxes, size, canvas=BLACK), boxes, within_px=max(3, gutter))


@pytest.mark.parametrize("is_upright", [False, True], ids=["across", "down"])
def test_a_long_strip_is_found(is_upright):
    boxes, size = pictures.grid(24, 1, (200, 160), gutter=6, margin=6)
    pixels = pictures.collage(boxes, size)
    if is_upright:
        pixels = np.ascontiguousarray(pixels.transpose(1, 0, 2))
        boxes = [(y0, x0, y1, x1) for x0, y0, x1, y1 in boxes]

    assert_found(pixels, boxes)


def test_noise_is_single():
    noise = np.random.default_rng(0).integers(0, 256, (900, 1200, 3), dtype=np.uint8)

    assert split(noise) == Splitting(Layout.SINGLE, ())


def test_many_small_photos_with_wide_gaps_on_a_gradient_are_found():
    boxes, size = pictures.grid(3, 4, (150, 70), gutter=40, margin=40)
    canvas = pictures.gradient(size, (30, 30, 200), (220, 220, 240))

    assert_found(pictures.as_jpeg(pictures.collage(boxes, size, canvas=canvas)), boxes)


def test_a_very_dark_collage_is_found():
    boxes, size = pictures.grid(3, 2, (260, 200), gutter=10, margin=10)

    assert_found(pictures.collage(boxes, size, canvas=BLACK) // 5, boxes)


def test_a_grey_collage_is_found():
    boxes, size = pictures.grid(3, 2, (260, 200), gutter=4, margin=0)
    grey = pictures.collage(boxes, size)[:, :, :1]

    assert_found(np.repeat(grey, 3, axis=2), boxes, within_px=4)


MARGINS = {
    "matted": ((140, 120, 660, 480), (800, 600), (238, 234, 226)),
    "polaroid": ((40, 40, 560, 560), (600, 760), WHITE),
    "letterboxed": ((0, 105, 960, 435), (960, 540), BLACK),
    "pillarboxed": ((240, 0, 720, 540), (960, 540), BLACK),
    "on a white page": ((330, 200, 730, 500), (1060, 1500), WHITE),
}


@pytest.mark.parametrize("name", MARGINS)
def test_one_photo_in_a_plain_margin_is_single_with_a_panel(name):
    box, size, canvas = MARGINS[name]
    pixels = pictures.as_jpeg(pictures.collage([box], size, canvas=canvas))

    assert split(pixels).layout is Layout.SINGLE
    assert_found(pixels, [box])


def test_a_narrow_border_is_left_on_its_photo():
    pixels = pictures.collage([(12, 12, 788, 588)], (800, 600))

    assert split(pixels) == Splitting(Layout.SINGLE, ())


def test_a_thing_on_a_plain_ground_is_no_photo_in_a_margin():
    pixels = np.full((600, 800, 3), 255, np.uint8)
    y, x = np.mgrid[0:600, 0:800]
    is_thing = ((x - 400) / 240) ** 2 + ((y - 300) / 200) ** 2 <= 1
    pixels[is_thing] = pictures.photo(4, 800, 600)[is_thing]

    assert split(pixels) == Splitting(Layout.SINGLE, ())


def test_a_thing_with_a_screen_on_a_plain_ground_is_no_collage():
    pixels = np.full((640, 280, 3), 255, np.uint8)
    y, x = np.mgrid[0:640, 0:280]
    is_thing = ((x - 140) / 128) ** 4 + ((y - 315) / 270) ** 4 <= 1
    thing = pictures.photo(4, 280, 640)
    thing[280:, 50:-50] //= 2
    pixels[is_thing] = thing[is_thing]

    assert split(pixels) == Splitting(Layout.SINGLE, ())


def test_specks_on_a_plain_ground_are_no_text():
    pixels = np.full((600, 800, 3), 255, np.uint8)
    rng = np.random.default_rng(1)
    for _ in range(120):
        x, y = int(rng.integers(790)), int(rng.integers(590))
        pixels[y : y + rng.integers(4, 10), x : x + rng.integers(2, 10)] = 20

    assert split(pixels) == Splitting(Layout.SINGLE, ())


@pytest.mark.parametrize(
    "shape",
    [(1, 1), (1, 900), (900, 1), (3, 3), (16, 16), (16, 4000), (4000, 17)],
    ids=lambda shape: f"{shape[1]}x{shape[0]}",
)
def test_thin_and_tiny_pictures_are_single(shape):
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)

    assert split(pixels).layout is Layout.SINGLE


@pytest.mark.parametrize("level", [0, 128, 255])
def test_one_colour_is_single(level):
    assert split(np.full((400, 600, 3), level, np.uint8)).layout is Layout.SINGLE


def test_a_panorama_of_100_megapixels_takes_little_memory():
    panorama = np.repeat(np.repeat(pictures.photo(3, 5000, 200), 10, axis=0), 10, axis=1)
    tracemalloc.start()

    splitting = split(panorama)

    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert splitting == Splitting(Layout.SINGLE, ())
    assert panorama.nbytes == 300_000_000
    assert peak_bytes < 60_000_000


def test_photos_in_a_row_of_100_megapixels_are_found():
    tile = pictures.photo(8, 400, 400)
    photos = [np.rot90(tile, turns)[:: 1 - 2 * flip] for flip in (0, 1) for turns in range(4)]
    row = np.zeros((2000, 50_000, 3), np.uint8)
    boxes = [(x, 0, x + 2000, 2000) for x in range(0, 50_000, 2050)][:24]
    for number, (x0, _, x1, _) in enumerate(boxes):
        row[:, x0:x1] = cv2.resize(photos[number % 8], (2000, 2000))

    # The gutters are 4 px wide on the work copy.
    assert_found(row, boxes, within_px=50)


def test_a_large_collage_is_found_to_a_few_pixels():
    boxes, size = pictures.grid(2, 2, (1300, 900), gutter=16, margin=30)

    assert_found(pictures.collage(boxes, size, canvas=BLUE), boxes, within_px=4)


def test_the_picture_is_not_changed_and_the_answer_is_the_same_again():
    boxes, size = pictures.grid(2, 2, (260, 220), gutter=8, margin=8)
    pixels = pictures.collage(boxes, size)
    before = pixels.copy()

    assert split(pixels) == split(pixels)
    assert (pixels == before).all()


@pytest.mark.parametrize("scale", [1, 3])
def test_panels_have_confidences_and_do_not_overlap(scale):
    # On the larger one each side is moved by itself.
    boxes = [tuple(scale * end for end in box) for box in MOSAIC]
    pixels = pictures.collage(boxes, (800 * scale, 600 * scale))

    splitting = split(pixels)

    painted = np.zeros(pixels.shape[:2], int)
    assert len(splitting.panels) == len(MOSAIC)
    for panel in splitting.panels:
        assert 0.5 <= panel.confidence <= 1.0
        painted[panel.box.y0 : panel.box.y1, panel.box.x0 : panel.box.x1] += 1
    assert painted.max() == 1


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((40, 40), np.uint8),
        np.zeros((40, 40, 4), np.uint8),
        np.zeros((40, 40, 3), np.float32),
        np.zeros((0, 40, 3), np.uint8),
    ],
    ids=["grey", "alpha", "floats", "empty"],
)
def test_another_array_is_refused(pixels):
    with pytest.raises(ValueError, match=r"\(H, W, 3\) uint8"):
        split(pixels)


def test_the_overlay_draws_on_a_copy():
    pixels = pictures.collage(MOSAIC, (800, 600))
    before = pixels.copy()

    drawn = draw_overlay(pixels, split(pixels))

    assert (drawn.shape, drawn.dtype) == (pixels.shape, np.uint8)
    assert (pixels == before).all()
    assert (drawn[598:, 400] != pixels[598:, 400]).any()
    assert (draw_overlay(pixels, split(pictures.photo(0))) == pixels).all()


def drawing(pixels, box):
    """Draw a thing on white over a box, away from all of its sides."""
    x0, y0, x1, y1 = box
    pixels[y0:y1, x0:x1] = WHITE
    middle, axes = ((x0 + x1) // 2, (y0 + y1) // 2), ((x1 - x0) // 4, (y1 - y0) // 3)
    cv2.ellipse(pixels, middle, axes, 30, 0, 360, (40, 90, 60), -1, cv2.LINE_AA)


@pytest.mark.parametrize("index", [0, 4, 8], ids=["corner", "middle", "other corner"])
def test_rows_and_columns_tell_where_a_white_photo_ends_on_a_white_canvas(index):
    boxes, size = pictures.grid(3, 3, (240, 200), 12, margin=20)
    pixels = pictures.collage(boxes, size)
    drawing(pixels, boxes[index])

    assert_found(pictures.as_jpeg(pixels, 95), boxes)


def test_a_drawing_with_straight_sides_is_a_panel_beside_photos():
    boxes = [(40, 40, 360, 280), (430, 70, 690, 330), (60, 360, 400, 560)]
    pixels = pictures.collage(boxes, (760, 620), canvas=BLUE)
    drawing(pixels, boxes[1])

    assert_found(pictures.as_jpeg(pixels, 95), boxes)


def test_a_place_without_a_photo_in_a_grid_stays_empty():
    boxes, size = pictures.grid(3, 3, (240, 200), 12, margin=20)
    pixels = pictures.collage(boxes[:8], size)

    assert_found(pictures.as_jpeg(pixels, 95), boxes[:8])
