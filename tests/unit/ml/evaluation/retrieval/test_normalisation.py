import numpy as np
import pytest

from ml.evaluation.retrieval.normalisation import bias, normalised


def unit_rows(rng, count, dim=6):
    rows = rng.normal(size=(count, dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize(("k", "used"), [(1, 1), (3, 3), (7, 7), (50, 7)], ids=str)
def test_bias_is_the_mean_of_the_best_scores(rng, k, used):
    embeddings, background = unit_rows(rng, 5), unit_rows(rng, 7)

    found = bias(embeddings, background, k=k)

    expected = [
        np.mean(sorted((float(row @ other) for other in background), reverse=True)[:used])
        for row in embeddings
    ]
    assert found == pytest.approx(expected, abs=1e-6)


def test_many_pictures_are_handled_in_parts(rng):
    embeddings, background = unit_rows(rng, 1025), unit_rows(rng, 3)

    assert bias(embeddings, background)[-1:] == pytest.approx(bias(embeddings[-1:], background))


def test_half_of_either_bias_is_subtracted():
    scores = np.array([[0.5, 0.9]], dtype=np.float32)

    found = normalised(scores, np.array([0.2], np.float32), np.array([0.0, 0.6], np.float32))

    assert found == pytest.approx(np.array([[0.4, 0.5]]))
    assert found.dtype == np.float32


def test_a_picture_similar_to_everything_falls_behind():
    # given: a crowded entry beats the right one, and is as similar to the background
    query, right, crowded = np.eye(3, dtype=np.float32)[[0]], [0.6, 0.8, 0], [0.7, 0, 0.714]
    gallery = np.array([right, crowded], dtype=np.float32)
    background = np.array([[0, 0, 1]], dtype=np.float32)
    scores = query @ gallery.T

    found = normalised(scores, bias(query, background), bias(gallery, background))

    assert scores.argmax() == 1
    assert found.argmax() == 0


@pytest.mark.parametrize(("count", "k"), [(0, 5), (3, 0)], ids=["empty", "k of 0"])
def test_no_background_is_refused(rng, count, k):
    with pytest.raises(ValueError, match="background"):
        bias(unit_rows(rng, 2), unit_rows(rng, count), k=k)
