import numpy as np
import pytest

from ml.rules import query_expansion
from ml.rules.query_expansion import expanded, neighbour_weights, scores_in_order, with_middle

UNRELATED = [0.1] * 60


def test_the_middle_is_seven_tenths_of_each_side() -> None:
    assert query_expansion.middle_of(200, 100) == (30, 15, 170, 85)
    assert query_expansion.middle_of(1, 2) == (0, 0, 1, 2)


def test_neighbours_count_by_how_far_they_stand_out_of_unrelated_pictures() -> None:
    weights = neighbour_weights([0.5, 0.5, 0.3, 0.2, *UNRELATED])

    assert weights.tolist() == pytest.approx([1.5, 1.5, 1.5 * 0.5**4])


def test_where_one_stands_out_the_others_hardly_count() -> None:
    assert neighbour_weights([0.9, 0.3, 0.3, *UNRELATED]).tolist() == pytest.approx([2.7])


@pytest.mark.parametrize("scores", [[], [0.4], [0.3, 0.3, 0.3], [-0.1, -0.2], [0.0, -0.5, -0.5]])
def test_nothing_counts_where_nothing_stands_out(scores: list[float]) -> None:
    assert neighbour_weights(scores).tolist() == []


def test_no_more_than_ten_count() -> None:
    assert len(neighbour_weights([0.6] * 40 + [0.1] * 60)) == query_expansion.MAX_NEIGHBOURS


def test_an_expanded_query_lies_between_itself_and_its_neighbours() -> None:
    query, neighbour = np.array([1, 0, 0], np.float32), np.array([[0, 1, 0]], np.float32)

    found = expanded(query, neighbour, np.array([0.75]))

    assert found.dtype == np.float32
    assert found.tolist() == pytest.approx([0.8, 0.6, 0])
    assert with_middle(query, neighbour[0]).tolist() == pytest.approx([0.5**0.5, 0.5**0.5, 0])


def test_a_place_keeps_its_score() -> None:
    assert scores_in_order(np.array([0.2, 0.9, 0.5])).tolist() == [0.9, 0.5, 0.2]
