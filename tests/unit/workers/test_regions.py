"""Taking pictures apart: what becomes a region, where, and in which order."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from kernel.regions import MAX_PANELS, RegionKey
from ml.detection.base import Detection
from ml.errors import MlError
from ml.panels import Layout
from ml.rules.limits import MAX_PAGES
from ml.types import Box
from tests import fakes
from tests.unit.ml.panels.pictures import collage, grid, photo
from workers.pictures import UprightPicture
from workers.regions import segment

BOXES, SIZE = grid(2, 2, cell=(160, 120), gutter=16, margin=20)


def upright(pixels: np.ndarray, *, scale: int = 1) -> UprightPicture:
    image = Image.fromarray(pixels)
    return UprightPicture(image, width=image.width * scale, height=image.height * scale)


def test_a_photo_is_one_whole() -> None:
    [segmented] = segment([upright(photo(1))], fakes.GridDetector())

    assert segmented.layout is Layout.SINGLE
    [full_image] = segmented.regions
    assert (full_image.key, full_image.box) == (RegionKey("whole", 0), Box(0, 0, 160, 120))
    assert (full_image.label, full_image.confidence, full_image.picture.image.size) == (
        "",
        1.0,
        (160, 120),
    )


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_panels_are_boxes_of_the_original(scale: int) -> None:
    [segmented] = segment([upright(collage(BOXES, SIZE), scale=scale)], fakes.GridDetector())

    assert segmented.layout is Layout.COLLAGE
    full_image, *panels = segmented.regions
    assert full_image.box == Box(0, 0, SIZE[0] * scale, SIZE[1] * scale)
    assert [str(panel.key) for panel in panels] == ["panel-0", "panel-1", "panel-2", "panel-3"]
    for panel, box in zip(panels, BOXES, strict=True):
        found = (panel.box.x0, panel.box.y0, panel.box.x1, panel.box.y1)
        assert found == pytest.approx([side * scale for side in box], abs=2 * scale)
        assert panel.picture.image.size == pytest.approx((160, 120), abs=4)


def test_pages_of_a_file_are_its_panels_whatever_is_on_them() -> None:
    # given a page that is a collage itself, and a blank one
    width, height = SIZE
    pixels = np.concatenate([collage(BOXES, SIZE), np.full((50, width, 3), 255, np.uint8)])
    pages = (Box(0, 0, width, height), Box(0, height, width, height + 50))
    picture = replace(upright(pixels), panels=pages)

    [segmented] = segment([picture], fakes.GridDetector())

    assert segmented.layout is Layout.COLLAGE
    full_image, *panels = segmented.regions
    assert full_image.box == Box(0, 0, width, height + 50)
    assert [(str(panel.key), panel.box) for panel in panels] == [
        ("panel-0", pages[0]),
        ("panel-1", pages[1]),
    ]
    assert panels[0].picture.image.size == SIZE


def test_a_collage_that_is_known_to_be_a_single_picture_has_no_panels() -> None:
    picture = replace(upright(collage(BOXES, SIZE)), panels=())

    [segmented] = segment([picture], fakes.GridDetector())

    assert segmented.layout is Layout.SINGLE
    assert "panel" not in {region.key.kind for region in segmented.regions}


def test_objects_are_looked_for_once_for_all_pictures_and_in_panels() -> None:
    detector = fakes.GridDetector()

    segment([upright(photo(1)), upright(collage(BOXES, SIZE)), upright(photo(2))], detector)

    assert detector.batches == [1 + 4 + 1]


def dog_in_the_middle(image: Image.Image) -> list[Detection]:
    w, h = image.size
    box = Box(w // 4, h // 4, 3 * w // 4, 3 * h // 4)
    return [Detection(box, "dog", 0.9), Detection(Box(0, 0, w // 3, h // 3), "cat", 0.2)]


def test_objects_of_a_photo_are_numbered_and_doubtful_ones_have_no_name() -> None:
    picture = upright(photo(1, 320, 240), scale=2)

    [segmented] = segment([picture], fakes.GridDetector(dog_in_the_middle))

    _, dog, doubtful = segmented.regions
    assert (str(dog.key), dog.label, dog.confidence) == ("object-0", "dog", 0.9)
    assert dog.box == Box(160, 120, 480, 360)
    assert dog.picture.image.size == (160, 120)
    assert (str(doubtful.key), doubtful.label, doubtful.confidence) == ("object-1", "", 0.2)


def test_every_page_that_is_shown_has_a_panel() -> None:
    assert MAX_PAGES <= MAX_PANELS


def test_a_long_name_of_foreign_weights_is_cut() -> None:
    def thing(image: Image.Image) -> list[Detection]:
        return [Detection(Box(40, 30, 120, 90), "long name " * 30, 0.9)]

    [segmented] = segment([upright(photo(1))], fakes.GridDetector(thing))

    assert segmented.regions[1].label == "long name " * 10


def test_objects_of_a_panel_lie_inside_it() -> None:
    [segmented] = segment([upright(collage(BOXES, SIZE))], fakes.GridDetector(dog_in_the_middle))

    panels = [region for region in segmented.regions if region.key.kind == "panel"]
    dogs = [region for region in segmented.regions if region.label == "dog"]
    assert len(dogs) == len(panels) == 4
    for panel, dog in zip(panels, dogs, strict=True):
        expected = [panel.box.x0 + 40, panel.box.y0 + 30, panel.box.x1 - 40, panel.box.y1 - 30]
        assert [dog.box.x0, dog.box.y0, dog.box.x1, dog.box.y1] == pytest.approx(expected, abs=4)


def test_a_contact_sheet_keeps_its_largest_photos() -> None:
    # given small photos above large ones, together more than are kept
    small, (width, top) = grid(8, 4, cell=(84, 72), gutter=12, margin=12)
    large, size = grid(6, 4, cell=(116, 100), gutter=12, margin=12)
    large = [(x0, top + y0, x1, top + y1) for x0, y0, x1, y1 in large]
    sheet = collage([*small, *large], (width, top + size[1]))

    [segmented] = segment([upright(sheet)], fakes.GridDetector())

    panels = [region for region in segmented.regions if region.key.kind == "panel"]
    assert [panel.key.ordinal for panel in panels] == list(range(MAX_PANELS))
    lower = [(panel.box.x0, panel.box.y0) for panel in panels if panel.box.y0 > top]
    assert lower == pytest.approx(np.array([box[:2] for box in large]), abs=3)


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (4000, 2), (30, 30)])
def test_strange_pictures_are_one_whole(size: tuple[int, int]) -> None:
    picture = UprightPicture(Image.new("RGB", size, "teal"), *size)

    [segmented] = segment([picture], fakes.GridDetector())

    assert [str(region.key) for region in segmented.regions] == ["whole-0"]


def test_no_pictures() -> None:
    assert segment([], fakes.GridDetector()) == []


def test_a_detector_that_fails_says_so() -> None:
    def fail(_: Image.Image) -> list[Detection]:
        raise MlError("no")

    with pytest.raises(MlError):
        segment([upright(photo(1))], fakes.GridDetector(fail))
