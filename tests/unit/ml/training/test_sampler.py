from collections import Counter
from pathlib import Path

import pytest

from ml.training.config import BatchConfig, ViewConfig
from ml.training.data.pictures import Picture, PictureSet
from ml.training.data.sampler import BatchPlan
from ml.training.data.sources import Entry


def picture_set(*members, hard_negatives=()):
    """Pictures given as (label, medium)."""
    pictures = tuple(
        Picture(Entry(Path(str(index)), str(index), label, medium), sha256=str(index))
        for index, (label, medium) in enumerate(members)
    )
    return PictureSet(pictures, tuple(hard_negatives), (), max_pixels=1)


def plan(pictures, *, subjects=2, views=2, is_made=False, seed=0, view_config=None):
    return BatchPlan(
        pictures,
        batch=BatchConfig(subjects=subjects, views=views),
        views=view_config or ViewConfig(),
        is_made=is_made,
        seed=seed,
    )


def labelled(subjects, each=3):
    return picture_set(*[(f"s{s:02}", "photo") for s in range(subjects) for _ in range(each)])


def test_a_batch_holds_p_subjects_and_k_different_pictures_of_each():
    batch = plan(labelled(7), subjects=3, views=2).batch(0)

    counts = Counter(request.label for request in batch)
    assert sorted(counts.values()) == [2, 2, 2]
    assert len({request.picture for request in batch}) == 6
    assert all(request.picture // 3 == request.label for request in batch)


def test_an_epoch_sees_every_subject_once():
    whole = plan(labelled(6), subjects=2)

    for epoch in range(3):
        labels = [
            request.label for index in range(3) for request in whole.batch(3 * epoch + index)[::2]
        ]
        assert sorted(labels) == list(range(6))


def test_epochs_and_seeds_are_shuffled_anew():
    def order(seed, epoch):
        ready = plan(labelled(20), subjects=20, seed=seed)
        return [request.label for request in ready.batch(epoch)[::2]]

    orders = [order(0, 0), order(0, 1), order(1, 0)]
    assert len({tuple(each) for each in orders}) == 3
    assert order(0, 0) == orders[0]


def test_a_batch_depends_on_its_number_alone():
    one, other = plan(labelled(9)), plan(labelled(9))

    straight = list(one.batches(0, 6))

    assert list(other.batches(3, 6)) == straight[3:]
    assert list(other.batches(1, 6, stride=2)) == straight[1::2]


def test_no_two_views_share_a_seed():
    ready = plan(labelled(8, each=2), subjects=4, views=3)

    seeds = [request.seed for batch in ready.batches(0, 8) for request in batch]

    assert len(seeds) == 8 * 12
    assert len(set(seeds)) == len(seeds)


def test_small_batches_hold_what_one_large_one_would():
    # given: pictures and views do not depend on how an epoch is cut into batches
    small, large = plan(labelled(8), subjects=2), plan(labelled(8), subjects=4)

    assert small.batch(0) + small.batch(1) == large.batch(0)


def test_a_subject_shows_in_as_many_media_as_it_has():
    media = ["photo", "photo", "photo", "photo", "sketch"]
    pictures = picture_set(*[(label, medium) for label in "abc" for medium in media])

    for batch in plan(pictures, subjects=3, views=2).batches(0, 5):
        for first, second in zip(batch[::2], batch[1::2], strict=True):
            assert {first.medium, second.medium} == {"photo", "sketch"}


def test_too_few_pictures_are_shown_again():
    batch = plan(labelled(2, each=2), subjects=2, views=5).batch(0)

    shown = Counter(request.picture for request in batch)
    assert sorted(shown.values()) == [2, 2, 3, 3]


def test_a_subject_that_was_called_different_comes_along():
    # given: b is one picture only, and somebody said that it is not a
    pictures = picture_set(
        *[(label, "photo") for label in "acdefg" for _ in range(2)],
        ("b", "photo"),
        hard_negatives=[("a", "b")],
    )
    number_of_a, number_of_b = 0, 1

    together = [
        {request.label for request in batch} for batch in plan(pictures, subjects=3).batches(0, 20)
    ]

    first_seen = [labels for labels in together if number_of_a in labels]
    assert first_seen
    # a comes last in a batch now and then, where there is no room left beside it.
    assert sum(number_of_b in labels for labels in first_seen) > len(first_seen) / 2
    assert all(number_of_b not in labels or number_of_a in labels for labels in together)


def test_fewer_subjects_than_asked_make_a_smaller_batch():
    pictures = picture_set(("a", "photo"), ("a", "photo"), ("b", "photo"))

    batch = plan(pictures, subjects=24).batch(5)

    assert Counter(request.label for request in batch) == {0: 2, 1: 2}


@pytest.mark.parametrize(
    ("views", "expected"),
    [
        pytest.param(ViewConfig(photo_share=1.0), {"photo"}, id="photos"),
        pytest.param(
            ViewConfig(photo_share=0.0, drawing_weights={"pencil": 1.0}), {"pencil"}, id="pencil"
        ),
        pytest.param(
            ViewConfig(photo_share=0.5, drawing_weights={"pencil": 1.0, "ink": 0.0}),
            {"photo", "pencil"},
            id="both",
        ),
        pytest.param(
            ViewConfig(photo_share=0.0, drawing_weights={"ink": 0.0}), {"photo"}, id="no drawings"
        ),
    ],
)
def test_made_views_begin_with_a_photo_and_go_on_by_chance(views, expected):
    pictures = picture_set(*[(str(number), "photo") for number in range(30)])
    ready = plan(pictures, subjects=10, views=3, is_made=True, view_config=views)

    for batch in ready.batches(0, 3):
        subjects = [batch[start : start + 3] for start in range(0, 30, 3)]
        assert all(len({request.picture for request in views}) == 1 for views in subjects)
        assert {views[0].medium for views in subjects} == {"photo"}
        later = [request for views in subjects for request in views[1:]]
        assert {request.medium for request in later} == expected
        assert all(request.is_made == (request.medium != "photo") for request in later)


def test_media_are_all_that_can_occur():
    pictures = picture_set(("a", "photo"), ("a", "sketch"), ("b", "photo"))

    assert plan(pictures).media() == ["photo", "sketch"]
