from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from ml.encoders import registry
from tests.contract.encoder.checkpoints import pictures

# bfloat16 against float32, of made pictures, whose embeddings are less sure than those of photos
# (.9985); what is compared with itself agrees to far more.
OTHER_FORMAT_COSINE = 0.98
SAME_COSINE = 0.9999


@pytest.fixture(scope="session")
def encoder(subject):
    return registry.load(subject.choice, device="cpu", batch_size=3)


@pytest.fixture(scope="session")
def exact(subject):
    return subject.load_as(torch.float32)


def cosines(left, right):
    return (left * right).sum(axis=1)


def test_rows_are_unit_length_float32_of_the_declared_size(encoder, subject):
    embeddings = encoder.encode(pictures(4))

    assert encoder.spec.dim == subject.dim
    assert (embeddings.dtype, embeddings.shape) == (np.float32, (4, subject.dim))
    assert np.linalg.norm(embeddings, axis=1) == pytest.approx(np.ones(4), abs=1e-5)


def test_agrees_with_the_library_underneath(exact, subject):
    images = pictures(8)

    # The plain way resizes all of a picture before it cuts, which may round a pixel otherwise.
    assert exact.encode(images) == pytest.approx(subject.naive(images), abs=2e-3)


def test_the_machines_own_number_format_agrees_with_float32(encoder, exact):
    images = pictures(8)

    assert cosines(encoder.encode(images), exact.encode(images)).min() >= OTHER_FORMAT_COSINE


@pytest.mark.parametrize("count", [1, 2, 3, 4, 8], ids="{}-pictures".format)
def test_one_by_one_gives_the_same_rows_in_the_same_order(exact, count):
    images = pictures(count)

    together = exact.encode(images)

    one_by_one = np.concatenate([exact.encode([image]) for image in images])
    assert together == pytest.approx(one_by_one, abs=1e-4)


def test_different_pictures_differ_more_than_rounding(exact):
    embeddings = exact.encode(pictures(8))

    similarities = embeddings @ embeddings.T - np.eye(8)
    assert similarities.max() < 1 - 1e-4


def test_encoding_twice_gives_the_same_bits(encoder):
    images = pictures(5)

    assert np.array_equal(encoder.encode(images), encoder.encode(images))


def test_no_pictures_give_no_rows(encoder, subject):
    embeddings = encoder.encode([])

    assert (embeddings.dtype, embeddings.shape) == (np.float32, (0, subject.dim))


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1)], ids=str)
def test_any_size_can_be_embedded(encoder, size):
    embeddings = encoder.encode([Image.new("RGB", size, (200, 30, 90))])

    assert np.linalg.norm(embeddings) == pytest.approx(1, abs=1e-5)


def test_pictures_are_not_changed(encoder):
    images = pictures(3)
    before = [(image.mode, image.size, image.tobytes()) for image in images]

    encoder.encode(images)

    assert [(image.mode, image.size, image.tobytes()) for image in images] == before


def test_loading_twice_gives_the_same_spec(encoder, subject):
    again = registry.load(subject.choice, device="cpu", batch_size=1)

    assert again.spec == encoder.spec
    assert again.spec.preprocess.sha256() == encoder.spec.preprocess.sha256()


def test_of_the_spec_only_the_precision_depends_on_the_number_format(encoder, exact):
    assert exact.spec.precision == "float32"
    assert replace(exact.spec, precision=encoder.spec.precision) == encoder.spec


def test_a_row_is_the_same_alone_in_any_batch_with_any_threads_and_loaded_anew(encoder, subject):
    images = pictures(9)
    expected = encoder.encode(images)

    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            again = registry.load(subject.choice, device="cpu", batch_size=4, threads=threads)
            alone = np.concatenate([again.encode([image]) for image in images])
            assert cosines(alone, expected).min() >= SAME_COSINE
            assert cosines(again.encode(images[::-1])[::-1], expected).min() >= SAME_COSINE
    finally:
        torch.set_num_threads(before)
