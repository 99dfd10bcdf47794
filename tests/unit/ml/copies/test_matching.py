from dataclasses import replace

import numpy as np
import pytest

from ml.copies import matching
from ml.copies.features import extract
from ml.copies.matching import Matchable, MatchQuery
from tests.unit.ml.copies.scenes import blurred, cut, pasted, resized, scene, written_over


def match(query, candidate):
    """The pairs of the query as it is."""
    return matches(query, candidate)[0]


def matches(query, candidate):
    """The pairs of the query as it is, and of its mirror image."""
    return list(matching.match(MatchQuery.of(query), Matchable.of(candidate)))


def with_records(features, records):
    return replace(features, records=records)


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


def naive_agreeing(query, candidate):
    """Of the naive pairs those that agree with the pair that most agree with, in their order."""
    pairs = sorted(naive(query, candidate))

    def tells(pair):
        row, column = pair
        scale = np.log2(candidate.sizes()[column] / query.sizes()[row])
        return scale, candidate.angles()[column] - query.angles()[row]

    def agree(first, second):
        (scale, turn), (other_scale, other_turn) = tells(first), tells(second)
        between = (turn - other_turn + 180) % 360 - 180
        return abs(scale - other_scale) < 0.75 and abs(between) < 25

    groups = [[other for other in pairs if agree(pair, other)] for pair in pairs]
    return max(groups, key=len, default=[])


COPIES = {
    "itself": scene(1),
    "crop": cut(scene(1), 60, 40, 260, 200),
    "small": resized(scene(1), 120, 90),
    "blurred": blurred(scene(1), 2.0),
    "mirrored": scene(1)[:, ::-1],
    "under a caption": written_over(scene(1), "caption"),
    "inside another": pasted(resized(scene(1), 160, 120), scene(7), 100, 80),
}


@pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES)
def test_of_copies_the_fast_way_finds_the_pairs_of_a_naive_loop(copy):
    query, candidate = extract(copy), extract(scene(1))

    found = matches(query, candidate)

    expected = [naive_agreeing(side, candidate) for side in (query, query.mirrored())]
    right = int(len(expected[1]) > len(expected[0]))
    assert len(expected[right]) >= 10
    assert found[right].tolist() == [list(pair) for pair in expected[right]]
    # The other way round few pairs agree, by chance: they may be passed over.
    assert found[1 - right].tolist() in ([], [list(pair) for pair in expected[1 - right]])


@pytest.mark.parametrize("seed", range(2, 8))
def test_of_other_pictures_it_finds_no_pairs_that_a_naive_loop_does_not(seed):
    query, candidate = extract(scene(seed)), extract(scene(1))

    for found, side in zip(matches(query, candidate), (query, query.mirrored()), strict=True):
        assert found.tolist() in ([], [list(pair) for pair in naive_agreeing(side, candidate)])


@pytest.mark.parametrize("counts", [(99, 300), (100, 99), (100, 100), (101, 131), (302, 100)])
def test_any_number_of_features_can_be_probed(counts):
    first, second = extract(scene(1)), extract(cut(scene(1), 10, 10, 310, 230))
    query = with_records(first, first.records[: counts[0]])
    candidate = with_records(second, second.records[: counts[1]])

    expected = naive_agreeing(query, candidate)

    assert match(query, candidate).tolist() == [list(pair) for pair in expected]
    assert len(expected) >= 8


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

    for found in (*matches(few, features), *matches(features, few)):
        assert found.shape == (0, 2)
