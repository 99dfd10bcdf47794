"""What several questions say together of an image, worked out by hand."""

from uuid import UUID

import pytest

from search.fusion import Likeness, fused

A, B, C, D = (UUID(int=number) for number in range(1, 5))


def test_of_one_picture_the_scores_stay() -> None:
    scores = {A: 0.9, B: 0.4}

    assert fused([Likeness(scores, floor=0.4)], []) == scores


def test_of_several_pictures_the_mean_counts_and_who_is_missing_has_the_floor() -> None:
    first = Likeness({A: 0.9, B: 0.5}, floor=0.5)
    second = Likeness({A: 0.7, C: 0.3}, floor=0.3)

    found = fused([first, second], [])

    assert found == pytest.approx({A: 0.8, B: 0.4, C: 0.4})


def test_who_is_more_like_the_unlike_loses_the_difference_and_nobody_rises() -> None:
    these = [Likeness({A: 0.8, B: 0.7, C: 0.6}, floor=0.6)]
    unlike = [Likeness({A: 0.5, B: 0.9, D: 0.95}, floor=0.2), Likeness({B: 0.8, C: 0.6}, floor=0.1)]

    found = fused(these, unlike)

    # B is 0.2 more like the first; C is as like the second as what is asked; D nobody asked for.
    assert found == pytest.approx({A: 0.8, B: 0.5, C: 0.6})


def test_words_count_as_much_as_pictures_however_small_their_scores_are() -> None:
    pictures = Likeness({A: 0.9, B: 0.7, C: 0.5}, floor=0.5)
    words = Likeness({C: 0.3, B: 0.28, D: 0.2}, floor=0.2, is_of_words=True)

    found = fused([pictures, words], [])

    assert found == pytest.approx({A: 0.5, B: 0.65, C: 0.5, D: 0.0})


def test_with_words_the_unlike_is_spread_too() -> None:
    words = Likeness({A: 0.3, B: 0.25, C: 0.2}, floor=0.2, is_of_words=True)
    unlike = Likeness({A: 0.9, B: 0.5, D: 0.4}, floor=0.4)

    # A is all of both: it loses nothing. B is 0.5 of the words and 0.2 of the unlike.
    assert fused([words], [unlike]) == pytest.approx({A: 1.0, B: 0.5, C: 0.0})


def test_an_only_image_is_the_best_of_its_words() -> None:
    words = Likeness({A: 0.2}, floor=0.2, is_of_words=True)
    pictures = Likeness({B: 0.5, C: 0.4}, floor=0.4)

    assert fused([words, pictures], []) == pytest.approx({A: 0.5, B: 0.5, C: 0.0})
