from ml.panels.refinement import separate
from ml.types import Box


def test_boxes_that_overlap_meet_in_the_middle():
    left, right, below = Box(0, 0, 104, 90), Box(100, 0, 200, 90), Box(0, 88, 200, 180)

    assert separate([left, right, below]) == [
        Box(0, 0, 102, 89),
        Box(102, 0, 200, 89),
        Box(0, 89, 200, 180),
    ]


def test_boxes_that_only_touch_stay():
    boxes = [Box(0, 0, 100, 90), Box(100, 0, 200, 90), Box(0, 90, 200, 180)]

    assert separate(boxes) == boxes
    assert separate([]) == []
