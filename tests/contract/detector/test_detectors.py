"""What holds for every detector."""

import cv2
import numpy as np
import pytest
from PIL import Image

from ml.detection import registry
from tests.contract.encoder.checkpoints import pictures


@pytest.fixture(params=["yolo", "onnx", "ssd_mobilenet", "none"])
def choice(request, yolo_file, save_onnx):
    named = {"yolo": f"yolo:{yolo_file}", "onnx": str(save_onnx())}
    return named.get(request.param, request.param)


def test_no_pictures_are_no_detections(choice):
    assert registry.load(choice, device="cpu").detect([]) == []


def test_each_picture_is_its_own_and_stays_as_it_was(choice):
    images = pictures(8)
    before = [image.tobytes() for image in images]
    one_by_one = registry.load(choice, device="cpu", batch_size=1)

    found = registry.load(choice, device="cpu", batch_size=3).detect(images)

    assert len(found) == 8
    assert [image.tobytes() for image in images] == before
    for image, batched in zip(images, found, strict=True):
        (alone,) = one_by_one.detect([image])
        # Which of nearly equal ones comes first may depend on rounding; what is found may not.
        firm = {(each.label, each.box) for each in alone if each.confidence > 0.05}
        assert {(e.label, e.box) for e in batched if e.confidence > 0.05} == firm


def test_boxes_lie_in_the_picture_and_the_most_confident_comes_first(choice):
    detector = registry.load(choice, device="cpu")
    images = pictures(8)

    for image, detections in zip(images, detector.detect(images), strict=True):
        confidences = [each.confidence for each in detections]
        assert confidences == sorted(confidences, reverse=True)
        assert all(0.001 <= confidence <= 1 for confidence in confidences)
        assert {each.label for each in detections} <= set(detector.spec.labels)
        for box in (each.box for each in detections):
            assert 0 <= box.x0 < box.x1 <= image.width
            assert 0 <= box.y0 < box.y1 <= image.height


def test_none_finds_nothing_anywhere():
    bright = Image.fromarray(np.full((40, 40, 3), 255, np.uint8))

    assert registry.load("none").detect([bright, bright]) == [(), ()]


def test_ssd_sees_all_pixels_of_a_large_picture():
    # given each pixel as 4 × 4 whose mean it is, and whose middle is far brighter
    rng = np.random.default_rng(5)
    small = cv2.resize(rng.integers(60, 190, (9, 9, 3), np.uint8), (300, 300))
    pattern = np.full((4, 4), -20)
    pattern[1:3, 1:3] = 60
    large = small.repeat(4, axis=0).repeat(4, axis=1) + np.tile(pattern, (300, 300))[..., None]
    detector = registry.load("ssd_mobilenet", device="cpu")

    [expected] = detector.detect([Image.fromarray(small)])
    [found] = detector.detect([Image.fromarray(large.astype(np.uint8))])

    assert expected
    assert [(each.label, each.confidence) for each in found] == [
        (each.label, pytest.approx(each.confidence, abs=1e-5)) for each in expected
    ]
