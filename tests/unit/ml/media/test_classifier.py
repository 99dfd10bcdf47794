"""What is said of a picture, and when nothing is."""

import pytest
from PIL import Image

from ml.media import classifier, statistics
from ml.media.classifier import MediumProbabilities, tell_medium
from ml.rules.media import Medium

TOLD = (Medium.PHOTO, Medium.PAINTING, Medium.CARTOON, Medium.SKETCH)


def said(*, drawn: float = 0.0, page: float = 0.0, **media: float) -> Medium:
    known = dict.fromkeys(TOLD, 0.0) | {Medium(name): each for name, each in media.items()}
    return MediumProbabilities(known, drawn, page).medium


@pytest.mark.parametrize("medium", TOLD)
def test_what_is_sure_is_said(medium) -> None:
    assert said(**{medium.value: 0.99}) is medium


@pytest.mark.parametrize("medium", TOLD)
def test_what_is_only_likely_is_not_said(medium) -> None:
    assert said(**{medium.value: 0.6}) is Medium.UNKNOWN


def test_drawn_one_way_or_the_other_is_a_drawing() -> None:
    assert said(cartoon=0.5, sketch=0.5, drawn=0.99) is Medium.DRAWING
    assert said(cartoon=0.5, sketch=0.5, drawn=0.7) is Medium.UNKNOWN


def test_a_page_is_of_no_medium() -> None:
    assert said(cartoon=0.99, drawn=0.99, page=0.9) is Medium.UNKNOWN


def test_the_packaged_trees_know_the_features_and_the_media() -> None:
    trees = classifier._trees()
    assert set(trees) == {
        *(medium.value for medium in TOLD),
        *(classifier.DRAWN, classifier.PAGE),
    }
    assert all(each.names == statistics.NAMES for each in trees.values())


def test_made_pictures_are_told(line_drawing, flat_colours) -> None:
    assert tell_medium(Image.fromarray(line_drawing)) is Medium.SKETCH
    assert tell_medium(Image.fromarray(flat_colours)) is Medium.CARTOON


def test_of_too_few_pixels_nothing_is_said(line_drawing) -> None:
    assert tell_medium(Image.fromarray(line_drawing[100:120, 130:150])) is Medium.UNKNOWN


def test_of_a_blank_page_nothing_is_said() -> None:
    assert tell_medium(Image.new("RGB", (200, 200), "white")) is Medium.UNKNOWN
