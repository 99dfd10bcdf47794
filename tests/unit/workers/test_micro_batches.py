import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image

from ml.errors import NonFiniteEmbedding
from tests import fakes
from tests.pictures import BLUE, GREEN, RED
from workers.micro_batches import (
    MAX_PICTURES,
    MicroBatchedDetector,
    MicroBatchedEncoder,
    MicroBatches,
)

BROKEN = (1, 2, 3)


class Widths:
    """A model whose row is a picture's width; the first pass waits until it is let go."""

    def __init__(self) -> None:
        self.passes: list[list[int]] = []
        self.has_begun, self.may_go_on = threading.Event(), threading.Event()

    def __call__(self, images: Sequence[Image.Image]) -> Iterator[int]:
        widths = [image.width for image in images]
        self.passes.append(widths)
        self.has_begun.set()
        assert self.may_go_on.wait(30)
        if any(image.getpixel((0, 0)) == BROKEN for image in images):
            raise NonFiniteEmbedding("One of them is broken.")
        return iter(widths)


def pictures(*widths: int, colour: tuple[int, int, int] = RED) -> list[Image.Image]:
    return [Image.new("RGB", (width, 2), colour) for width in widths]


def gather(model: Widths, *questions: list[Image.Image]) -> list[Sequence[int] | Exception]:
    """Ask the first question, and the others in their order while its pass still runs."""
    batches = MicroBatches(model)

    def ask(images: list[Image.Image]) -> Sequence[int] | Exception:
        try:
            return batches(images)
        except NonFiniteEmbedding as error:
            return error

    with ThreadPoolExecutor(len(questions)) as threads:
        answers = [threads.submit(ask, questions[0])]
        assert model.has_begun.wait(30)
        for number, question in enumerate(questions[1:], start=1):
            answers.append(threads.submit(ask, question))
            while len(batches._waiting) < number:
                pass
        model.may_go_on.set()
        return [answer.result(30) for answer in answers]


def test_what_gathers_while_a_pass_runs_goes_through_the_model_together() -> None:
    model = Widths()

    answers = gather(model, pictures(3), pictures(4, 5), pictures(6), pictures(7, 8, 9))

    assert answers == [[3], [4, 5], [6], [7, 8, 9]]
    assert model.passes == [[3], [4, 5, 6, 7, 8, 9]]


def test_a_pass_takes_along_no_more_than_its_bound() -> None:
    model = Widths()
    half = list(range(10, 10 + MAX_PICTURES // 2))
    large = list(range(100, 101 + MAX_PICTURES))

    answers = gather(model, pictures(1), pictures(*half), pictures(*half, 9), pictures(*large))

    assert answers == [[1], half, [*half, 9], large]
    assert model.passes == [[1], half, [*half, 9], large]


def test_a_picture_that_fails_is_the_business_of_its_own_search() -> None:
    model = Widths()

    first, good, bad, other = gather(
        model, pictures(3), pictures(4, 5), pictures(6, colour=BROKEN), pictures(7)
    )

    assert (first, good, other) == ([3], [4, 5], [7])
    assert isinstance(bad, NonFiniteEmbedding)
    assert model.passes == [[3], [4, 5, 6, 7], [4, 5], [6], [7]]


def test_nothing_is_asked_for_no_pictures() -> None:
    encoder = MicroBatchedEncoder(fakes.GridEncoder())

    assert encoder.encode([]).shape == (0, fakes.DIM)
    assert MicroBatchedDetector(fakes.GridDetector()).detect([]) == []


def test_rows_and_detections_are_those_of_the_model() -> None:
    images = pictures(30, 20, colour=GREEN) + pictures(40, colour=BLUE)

    encoder = MicroBatchedEncoder(fakes.GridEncoder())
    detector = MicroBatchedDetector(fakes.GridDetector())

    assert np.array_equal(encoder.encode(images), fakes.GridEncoder().encode(images))
    assert detector.detect(images) == fakes.GridDetector().detect(images)
    assert (encoder.spec, detector.spec) == (fakes.SPEC, fakes.GridDetector.spec)
