import pytest

from ml.detection.base import Detection
from ml.detection.selection import select_objects
from ml.types import Box


def a(label, confidence, *corners):
    return Detection(Box(*corners), label, confidence)


def select(*detections, width=1000, height=1000, **options):
    return select_objects(detections, width=width, height=height, **options)


DOG = a("dog", 0.9, 100, 100, 300, 300)


def test_the_surest_few_are_taken_in_order():
    spread = [a("dog", 0.3 + n / 100, n * 100, 0, n * 100 + 90, 90) for n in range(8)]

    assert select(*spread) == tuple(reversed(spread))[:4]
    assert select(*spread, limit=1) == (spread[7],)
    assert select(*spread, limit=0) == ()


def test_the_order_they_come_in_changes_nothing():
    equals = [a(label, 0.5, *corners) for label, *corners in (("dog", 0, 0, 90, 90),
              ("cat", 0, 0, 91, 91), ("dog", 200, 0, 290, 90))]  # fmt: skip

    assert select(*equals) == select(*reversed(equals)) == (equals[1], equals[2])


@pytest.mark.parametrize(("confidence", "count"), [(0.1, 1), (0.0999, 0)])
def test_the_doubtful_are_left_out(confidence, count):
    assert len(select(a("dog", confidence, 0, 0, 100, 100))) == count


def test_another_confidence_may_be_asked_for():
    assert select(DOG, min_confidence=0.95) == ()


@pytest.mark.parametrize(
    ("corners", "count"),
    [((0, 0, 32, 500), 1), ((0, 0, 31, 500), 0), ((0, 0, 500, 31), 0)],
    ids=["just enough", "too narrow", "too low"],
)
def test_the_tiny_are_left_out(corners, count):
    assert len(select(a("dog", 0.9, *corners))) == count


@pytest.mark.parametrize(
    ("corners", "count"),
    [((0, 0, 1000, 850), 1), ((0, 0, 1000, 851), 0), ((0, 0, 1000, 1000), 0)],
    ids=["just not", "nearly all", "all"],
)
def test_nearly_the_whole_picture_is_left_out(corners, count):
    assert len(select(a("dog", 0.9, *corners))) == count


def test_one_thing_under_two_names_is_taken_once():
    # 190 × 200 of 200 × 200 pixels are 0.95 of both together.
    person, man = a("person", 0.6, 100, 100, 300, 300), a("man", 0.7, 100, 100, 290, 300)

    assert select(person, man) == (man,)


@pytest.mark.parametrize(
    ("right", "count"), [(240, 1), (239, 2)], ids=["seven tenths", "a little less"]
)
def test_how_much_two_boxes_share_decides(right, count):
    assert len(select(DOG, a("cat", 0.8, 100, 100, right, 300))) == count


def test_a_rider_is_no_horse():
    horse, rider = a("horse", 0.9, 100, 300, 500, 800), a("man", 0.8, 200, 100, 400, 600)

    assert select(horse, rider) == (horse, rider)


@pytest.mark.parametrize(
    ("part", "whole"),
    [
        ("human face", "person"),
        ("human hair", "woman"),
        ("human eye", "human face"),
        ("wheel", "car"),
        ("tire", "bus"),
        ("window", "house"),
        ("vehicle registration plate", "taxi"),
    ],
)
def test_a_part_of_a_thing_is_left_out_however_sure(part, whole):
    inside, around = a(part, 0.99, 150, 150, 250, 250), a(whole, 0.5, 100, 100, 300, 400)

    assert select(inside, around) == (around,)


def test_a_part_of_something_that_is_left_out_stays():
    face = a("human face", 0.9, 200, 200, 700, 800)

    assert select(face, a("person", 0.8, 0, 0, 1000, 990)) == (face,)
    assert select(face, a("person", 0.09, 100, 100, 900, 900)) == (face,)


def test_a_part_beside_a_thing_stays():
    # A fifth and a little more of the wheel lies outside.
    wheel, car = a("wheel", 0.9, 221, 100, 321, 200), a("car", 0.8, 100, 50, 300, 300)

    assert select(wheel, car) == (wheel, car)


def test_a_thing_in_another_thing_stays():
    couch, dog = a("couch", 0.8, 0, 400, 900, 900), a("dog", 0.9, 300, 450, 500, 650)

    assert select(couch, dog) == (dog, couch)


def test_nothing_gives_nothing():
    assert select() == ()
