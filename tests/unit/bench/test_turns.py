import pytest

from bench.turns import Comparison, Spread, compared, in_turns


def test_the_sides_work_in_turn_and_the_first_begins() -> None:
    order = []

    def work(side: str, turn: int) -> str:
        order.append((side, turn))
        return f"{side}{turn}"

    assert in_turns("A", "B", work, turns=3) == (["A1", "A2", "A3"], ["B1", "B2", "B3"])
    assert order == [("A", 1), ("B", 1), ("A", 2), ("B", 2), ("A", 3), ("B", 3)]


def test_a_ratio_is_of_one_turn_and_the_median_of_all() -> None:
    # The machine is half as fast in the last turn: each side's figures fall, their ratio does not.
    comparison = compared([30.0, 40.0, 16.0], [10.0, 10.0, 5.0])

    assert comparison == Comparison(30.0, 10.0, Spread(3.2, 3.0, 4.0))


def test_of_an_even_number_of_turns_the_middle_counts() -> None:
    assert compared([1.0, 2.0], [1.0, 1.0]).ratio == Spread(1.5, 1.0, 2.0)


def test_both_sides_have_as_many_turns() -> None:
    with pytest.raises(ValueError, match="zip"):
        compared([1.0], [1.0, 2.0])


def test_a_spread_in_words() -> None:
    assert str(Spread(3.456, 3.0, 4.2)) == "3.46 (3.00 to 4.20)"
