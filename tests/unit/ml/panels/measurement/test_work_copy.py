import pytest

from ml.panels.measurement.work_copy import make_work_copy
from ml.types import Box
from tests.unit.ml.panels import pictures


def test_dark_pictures_are_brightened_and_others_left():
    bright = pictures.photo(5, 300, 200)

    assert (make_work_copy(bright).pixels == bright).all()
    assert (make_work_copy(bright // 16).pixels == 4 * (bright // 16)).all()


def test_texture_is_where_the_photo_is():
    pixels = pictures.page(photos=[(560, 90, 900, 320)])

    work_copy = make_work_copy(pixels)

    photo, text = Box(580, 110, 880, 300), Box(30, 380, 500, 600)
    assert work_copy.scale == pytest.approx((750_000 / 760_000) ** 0.5)
    assert work_copy.textured_px(photo) > 0.9 * photo.width * photo.height
    assert work_copy.textured_px(text) == 0


def test_a_box_may_show_a_photo_where_there_is_texture():
    work_copy = make_work_copy(pictures.page(photos=[(560, 90, 900, 320)]))

    assert work_copy.may_show_photo(Box(580, 110, 880, 300))
    assert not work_copy.may_show_photo(Box(30, 380, 500, 600))


def test_a_box_is_large_enough_from_64_pixels_of_the_original():
    work_copy = make_work_copy(pictures.photo(0, 640, 480))

    assert work_copy.is_large_enough(Box(0, 0, 64, 90))
    assert not work_copy.is_large_enough(Box(0, 0, 63, 90))


def test_strokes_are_steps_as_high_as_those_of_letters():
    pixels = pictures.page()
    pixels[:] = 100
    pixels[40, 50:60] = 141  # 41 levels, to the row above and back, and at its two ends
    pixels[40, 80:90] = 140

    work_copy = make_work_copy(pixels[:200, :200])

    assert work_copy.stroke_px(Box(45, 35, 65, 45)) == 21
    assert work_copy.stroke_px(Box(75, 35, 95, 45)) == 0
