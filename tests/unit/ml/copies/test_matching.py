import numpy as np
import pytest

from ml.copies.features import LocalFeatures, extract
from ml.copies.matching import match
from tests.unit.ml.copies.scenes import scene


def with_records(features, records):
    return LocalFeatures(features.width, features.height, records, features.thumbnail)


def naive(query, candidate):
    """Mutual nearest pairs by Euclidean distance that are nearer than 0.8 of the second."""
    first, second = query.descriptors().astype(float), candidate.descriptors().astype(float)
    distances = np.linalg.norm(first[:, None] - second[None], axis=2)
    pairs = set()
    for row, line in enumerate(distances):
        nearest, next_ = np.argsort(line)[:2]
        if distances[:, nearest].argmin() == row and line[nearest] < 0.8 * line[next_]:
            pairs.add((row, int(nearest)))
    return pairs


def test_pairs_are_those_of_the_naive_search_that_agree(rng):
    query = extract(scene(1)[20:200, 30:260])
    candidate = extract(scene(1))

    found = {tuple(pair) for pair in match(query, candidate).tolist()}

    expected = naive(query, candidate)
    turns = {
        pair: (candidate.angles()[pair[1]] - query.angles()[pair[0]] + 180) % 360 - 180
        for pair in expected
    }
    assert len(found) >= 50
    assert found <= expected
    # A crop is neither turned nor scaled: what was dropped tells of something else.
    assert all(abs(turns[pair]) < 25 for pair in found)
    assert {pair for pair in expected if abs(turns[pair]) < 1} - found <= {
        pair
        for pair in expected
        if abs(np.log2(candidate.sizes()[pair[1]] / query.sizes()[pair[0]])) > 0.5
    }


@pytest.mark.parametrize(
    ("field", "change"),
    [("angle", lambda angles: angles + 16384), ("size", lambda sizes: sizes * 4)],
    ids=["turned by 90 degrees", "4 times as large"],
)
def test_pairs_that_tell_another_story_are_dropped(field, change):
    candidate = extract(scene(1))
    records = candidate.records.copy()
    records[field][:40] = change(records[field][:40])

    found = match(candidate, with_records(candidate, records))

    assert found[:, 0].min() >= 40
    assert len(found) >= 100


def test_features_that_occur_twice_are_no_evidence():
    query = extract(scene(1))
    twice = with_records(query, np.concatenate([query.records, query.records]))

    assert len(match(query, query)) >= 100
    assert match(query, twice).shape == (0, 2)


@pytest.mark.parametrize("count", [0, 1], ids=str)
def test_without_a_second_nearest_there_are_no_pairs(count):
    features = extract(scene(1))
    few = with_records(features, features.records[:count])

    assert match(few, features).shape == (0, 2)
    assert match(features, few).shape == (0, 2)
