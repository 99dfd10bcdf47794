import cv2
import numpy as np
import pytest

from ml.copies.features import MAX_FEATURES, PREVIEW_PX, THUMBNAIL_PX, LocalFeatures, extract
from ml.errors import DamagedFeatures
from tests.unit.ml.copies.scenes import scene


def parts(features):
    """Everything that a user sees of features."""
    return (
        features.points(),
        features.sizes(),
        features.angles(),
        features.descriptors(),
        features.thumbnail,
        features.preview_pixels(),
        np.array([features.width, features.height]),
    )


def test_features_are_where_the_corners_are():
    picture = np.full((200, 300, 3), 120, np.uint8)
    picture[60:100, 40:140] = 250
    picture[140:170, 200:260] = 10

    found = extract(picture)

    blobs = np.array([(90, 80), (230, 155)])  # the middles, and around them their corners
    distances = np.linalg.norm(found.points()[:, None] - blobs, axis=2).min(axis=1)
    assert len(found) >= 4
    assert (distances <= 70).all()
    assert (found.width, found.height) == (300, 200)


def test_descriptors_are_square_roots_of_unit_length():
    found = extract(scene(1))

    assert found.descriptors().dtype == np.float32
    assert np.allclose(np.linalg.norm(found.descriptors(), axis=1), 1, atol=1e-5)


def test_descriptors_are_those_of_sift_in_the_doubled_picture():
    """What catalogues have stored was extracted so: OpenCV doubles for keypoints of octave -1."""
    picture = scene(1)
    found = extract(picture)
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    finest_octave, second_layer = -1 & 0xFF, 2 << 8
    given = [
        cv2.KeyPoint(x - 0.5, y - 0.5, size, angle, 0, finest_octave | second_layer)
        for (x, y), size, angle in zip(
            found.points().tolist(), found.sizes().tolist(), found.angles().tolist(), strict=True
        )
    ]
    # Of those alone whose own blur is that layer's, 0.8 × 2^(2/3) pixels.
    is_of_layer = np.abs(found.sizes() - 2 * 0.8 * 2 ** (2 / 3)) < 0.3

    sift = cv2.SIFT.create(enable_precise_upscale=True)
    histograms = sift.compute(grey, given)[1][is_of_layer]

    expected = np.sqrt(histograms / histograms.sum(axis=1, keepdims=True))
    scores = (found.descriptors()[is_of_layer] * expected).sum(axis=1)
    assert len(scores) >= 30
    assert np.median(scores) >= 0.97
    assert scores.min() >= 0.85


def test_mirrored_features_are_those_of_the_mirrored_picture():
    """SIFT on the mirrored pixels themselves is the oracle; it finds most of the same places."""
    expected = extract(scene(1)[:, ::-1])

    found = extract(scene(1)).mirrored()

    apart = np.linalg.norm(found.points()[:, None] - expected.points()[None], axis=2)
    turn = found.angles()[:, None] - expected.angles()
    apart += np.abs((turn + 180) % 360 - 180)
    nearest = apart.argmin(axis=1)
    is_same = apart.min(axis=1) < 2
    scores = (found.descriptors() * expected.descriptors()[nearest]).sum(axis=1)
    assert is_same.mean() >= 0.5
    assert np.median(scores[is_same]) >= 0.98
    assert np.array_equal(found.thumbnail, extract(scene(1)).thumbnail[:, ::-1])


def test_mirrored_twice_they_are_as_before():
    before = extract(scene(1))

    for first, second in zip(parts(before.mirrored().mirrored()), parts(before), strict=True):
        assert np.array_equal(first, second)


@pytest.mark.parametrize(
    ("width", "height"), [(320, 240), (1, 1), (15, 400), (3000, 40), (1600, 1200)], ids=str
)
def test_features_are_bounded_and_survive_their_bytes(width, height):
    before = extract(np.ascontiguousarray(scene(5, width, height)))

    data = before.to_bytes()
    after = LocalFeatures.from_bytes(data)

    assert len(before) <= MAX_FEATURES
    assert max(before.thumbnail.shape) <= THUMBNAIL_PX
    assert len(data) <= 86_000 + len(before.preview)
    assert max(before.preview_pixels().shape) <= PREVIEW_PX
    assert data == after.to_bytes()
    for first, second in zip(parts(before), parts(after), strict=True):
        assert np.array_equal(first, second)


def test_features_lie_in_the_upright_picture_whatever_it_was_shrunk_to():
    found = extract(scene(5, 1600, 1200))

    points = found.points()
    assert len(found) > 100
    assert (points >= 0).all()
    assert (points <= (1600, 1200)).all()
    assert (points.max(axis=0) > (1200, 900)).all()


def test_the_picture_is_left_alone_and_read_the_same_again():
    picture = scene(1).copy()

    assert extract(picture).to_bytes() == extract(picture).to_bytes()
    assert np.array_equal(picture, scene(1))


WHOLE = extract(scene(1)).to_bytes()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"SLF1",
        WHOLE[:-1],
        WHOLE[: len(WHOLE) // 2],
        WHOLE + b"\0",
        b"SLF9" + WHOLE[4:],
        WHOLE[:100] + bytes([WHOLE[100] ^ 1]) + WHOLE[101:],
        WHOLE[:16] + b"\xff\xff" + WHOLE[18:],
        bytes(len(WHOLE)),
    ],
    ids=[
        *("empty", "magic only", "cut by one", "half", "longer"),
        *("another version", "one bit", "another count", "zeros"),
    ],
)
def test_damaged_bytes_are_said_to_be_so(data):
    with pytest.raises(DamagedFeatures) as error:
        LocalFeatures.from_bytes(data)

    assert error.value.code == "ml:damaged-features"
