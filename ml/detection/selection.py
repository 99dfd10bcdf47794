"""Which detections become regions of a picture."""

from collections.abc import Sequence

from ml.detection.base import Detection
from ml.types import intersection_over_union, shared_area

# From here on a region is worth having: a doubtful box, or one under a wrong name, still cuts its
# subject out. With objects from 0.25 on, recall@1 of subjects on other backgrounds is .03 less
# (see `ml.rules.pair_score`).
MIN_CONFIDENCE = 0.1
# From here on the name is right often enough to be shown and filtered by.
NAMED_CONFIDENCE = 0.25
MAX_OBJECTS_IN_SCENE = 4
# Two boxes of different labels are one thing under two names from here on: of 898 true boxes in 128
# pictures of COCO, 4 pairs with different labels overlap so much, and all four are one thing ("cup"
# and "bowl"). Boxes of the same label were suppressed by the detector already; what is left of them
# above this is one thing, too.
_SAME_THING_IOU = 0.7
# A part lies inside its whole to this share of its own area.
_INSIDE_SHARE = 0.8
_MIN_SIDE_PX = 32
_LARGEST_SHARE = 0.85

# What Open Images names beside the thing that it is part of. "human " is how all parts of people
# begin there: "human face", "human hair".
_PART_PREFIX = "human "
_PARTS = frozenset(
    (
        "auto part",
        "bicycle wheel",
        "door",
        "door handle",
        "seat belt",
        "tire",
        "vehicle registration plate",
        "wheel",
        "window",
        "window blind",
    )
)


def select_objects(
    detections: Sequence[Detection],
    *,
    width: int,
    height: int,
    limit: int = MAX_OBJECTS_IN_SCENE,
    min_confidence: float = MIN_CONFIDENCE,
) -> tuple[Detection, ...]:
    """Return the detections that are worth a region, the most confident first.

    One thing under two names ("person" and "man", "cup" and "bowl") is taken once, under the more
    confident one. A part inside a thing (a face, a wheel, a window) is left out; a face alone, as
    on a portrait, stays. So are boxes that are too small to be embedded, and those that are nearly
    the whole picture, whose embedding would only repeat the whole picture's. A box that is left out
    for its size or its confidence hides no other.

    Args:
        detections: of one picture, any order.
        width: of the picture, pixels.
        height: of the picture, pixels.
        limit: how many are taken at most, ≥ 0.
        min_confidence: 0..1.
    """
    largest = _LARGEST_SHARE * width * height
    candidates = sorted(
        (
            each
            for each in detections
            if each.confidence >= min_confidence
            and min(each.box.width, each.box.height) >= _MIN_SIDE_PX
            and each.box.area <= largest
        ),
        key=lambda each: (-each.confidence, each.label, each.box.x0, each.box.y0),
    )
    distinct: list[Detection] = []
    for candidate in candidates:
        if not any(
            intersection_over_union(candidate.box, taken.box) >= _SAME_THING_IOU
            for taken in distinct
        ):
            distinct.append(candidate)
    wholes = [each for each in distinct if not any(_is_part_of(each, other) for other in distinct)]
    return tuple(wholes[:limit])


def _is_part_of(part: Detection, whole: Detection) -> bool:
    """Whether a detection is of a part that lies inside another, larger one."""
    is_part = part.label.startswith(_PART_PREFIX) or part.label in _PARTS
    return (
        is_part
        and part.box.area < whole.box.area
        and shared_area(part.box, whole.box) >= _INSIDE_SHARE * part.box.area
    )
