"""What each stage is given, how it is timed, and how the table reads."""

import numpy as np
from PIL import Image

from ml.detection.base import Detection
from ml.types import Box
from tests import fakes
from tests.pictures import RED, encoded
from tests.unit.ml.panels.pictures import collage, grid, photo
from workers.stage_times import StageTime, measure, table

STAGES = [
    "decode",
    "split into panels",
    "detect objects",
    "embed the full image",
    "embed panels and objects",
    "local features",
    "PDQ hash",
    "thumbnails",
]
SINGLE = encoded(Image.fromarray(photo(1)))


class Steps:
    """A clock on which every look takes as long as it was told."""

    def __init__(self, *seconds: float) -> None:
        self.seconds = list(seconds)
        self.now_s = 0.0

    def __call__(self) -> float:
        self.now_s += self.seconds.pop(0)
        return self.now_s


def test_networks_work_alone_and_in_the_workers_batches() -> None:
    dog = Detection(Box(10, 10, 90, 90), "dog", 0.9)
    detector, encoder = fakes.GridDetector(lambda _: [dog]), fakes.GridEncoder()

    measure([SINGLE] * 5, encoder, detector, batch_size=2, rounds=2)

    # All to know the regions, then a batch ahead in both ways, then the rounds.
    ahead, both = [1, 1, 2], [1] * 5 + [2, 2, 1]
    assert detector.batches == [5, *ahead, *both, *both]
    # Of each picture the full image, and in a stage of its own the one object.
    assert encoder.batches == [*ahead, *ahead, *both, *both, *both, *both]


def test_a_time_is_the_median_of_the_rounds_a_picture() -> None:
    # Two looks at the clock for each pass: 8 stages alone, 3 of them in batches, too, 3 rounds.
    rounds_s = [0.5, 8.0, 0.25]
    clock = Steps(*(step for seconds in rounds_s for step in [0.0, seconds] * 11))

    times = measure(
        [SINGLE] * 2, fakes.GridEncoder(), fakes.GridDetector(), batch_size=2, rounds=3, clock=clock
    )

    assert times == [StageTime(name, 250.0, 250.0) for name in STAGES]
    assert clock.seconds == []


def test_batches_have_their_own_figure() -> None:
    # decode, split, detect alone and in a batch, and so on.
    passes_s = [1, 2, 3, 30, 4, 40, 5, 50, 6, 7, 8]
    clock = Steps(*(float(step) for seconds in passes_s for step in (0, seconds)))

    times = measure(
        [SINGLE], fakes.GridEncoder(), fakes.GridDetector(), batch_size=2, rounds=1, clock=clock
    )

    assert [(each.alone_ms, each.batched_ms) for each in times] == [
        (1000, 1000),
        (2000, 2000),
        (3000, 30000),
        (4000, 40000),
        (5000, 50000),
        (6000, 6000),
        (7000, 7000),
        (8000, 8000),
    ]


def test_a_collage_is_looked_through_panel_by_panel() -> None:
    boxes, size = grid(2, 2, cell=(160, 120), gutter=16, margin=20)
    detector, encoder = fakes.GridDetector(), fakes.GridEncoder()

    measure(
        [encoded(Image.fromarray(collage(boxes, size)))],
        encoder,
        detector,
        batch_size=2,
        rounds=1,
    )

    assert set(detector.batches) == {4}
    assert set(encoder.batches) == {1, 4}


def test_no_picture_of_one_colour_is_too_plain() -> None:
    plain = encoded(Image.fromarray(np.full((30, 40, 3), RED, np.uint8)))

    times = measure([plain], fakes.GridEncoder(), fakes.GridDetector(), batch_size=2, rounds=1)

    assert [each.name for each in times] == STAGES


def test_the_table_ends_with_sums() -> None:
    times = [StageTime("decode", 0.5, 0.25), StageTime("split", 4.0, 4.0)]

    assert table(times).splitlines() == [
        "CPU ms a picture                 alone  in batches",
        "decode                            0.50        0.25",
        "split                             4.00        4.00",
        "all                               4.50        4.25",
    ]
