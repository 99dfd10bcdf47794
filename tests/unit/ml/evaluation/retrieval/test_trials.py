import numpy as np
import pytest

from ml.errors import EvaluationDataInvalid, NoPositives
from ml.evaluation.copies.plan import copies
from ml.evaluation.embedding import embed
from ml.evaluation.images import read_image
from ml.evaluation.retrieval import trials
from ml.evaluation.retrieval.background import background
from ml.evaluation.retrieval.cross_medium import cross_medium
from ml.evaluation.retrieval.plan import with_background
from ml.evaluation.retrieval.systems import systems_of
from ml.rules.query_expansion import neighbour_weights
from tests import fakes
from tests.fakes import GridEncoder, SquareDetector
from tests.unit.ml.evaluation import folders


def run(plan, *, encoders=1, **limits):
    named = [(f"grid{number}", fakes.SPEC) for number in range(encoders)]
    embedded = embed(plan.images, [GridEncoder() for _ in named], batch_size=8)
    systems = systems_of(plan, embedded, named)
    rng = np.random.default_rng(0)
    return trials.run(plan, embedded, systems, resamples=20, rng=rng, **limits), systems


def row(outcome, trial, system="grid0"):
    (found,) = [each for each in outcome.rows if (each.trial, each.system) == (trial, system)]
    return found


def test_a_query_does_not_find_itself(tmp_path):
    outcome, _ = run(cross_medium(folders.media(tmp_path, count=3)))

    found = row(outcome, "photo → photo").metrics
    assert (found.queries, found.gallery, found.pairs, found.positive_pairs) == (9, 9, 72, 18)
    assert found.recall_at[1] == 1.0
    mixed = row(outcome, "all media → all media").metrics
    assert (mixed.pairs, mixed.positive_pairs) == (18 * 17, 18 * 5)


def test_one_picture_a_subject_leaves_the_same_medium_unmeasured(tmp_path):
    outcome, _ = run(cross_medium(folders.media(tmp_path, count=1)))

    assert row(outcome, "photo → photo").metrics is None
    assert row(outcome, "photo → photo").why_empty == "None of 3 queries has a positive."
    assert row(outcome, "sketch → photo").metrics.positive_pairs == 3


def test_one_picture_a_subject_in_one_medium_measures_nothing(tmp_path):
    plan = cross_medium(folders.media(tmp_path, count=1, bands={"photo": 0}))

    with pytest.raises(NoPositives, match="two pictures or more"):
        run(plan)


def test_unreadable_pictures_are_neither_asked_nor_searched(tmp_path):
    data = folders.media(tmp_path, count=3)
    (data / "photo" / "apple" / "0.png").write_bytes(b"not a picture")

    outcome, _ = run(cross_medium(data))

    assert row(outcome, "photo → photo").metrics.pairs == 8 * 7
    assert row(outcome, "sketch → photo").metrics.gallery == 8


def test_the_picture_that_a_copy_was_pasted_into_is_not_judged(tmp_path, rng):
    plan = copies(folders.media(tmp_path, count=1, bands={"photo": 4}), rng=rng)

    outcome, _ = run(plan)

    assert row(outcome, "inside25").metrics.pairs == 3 * 2
    assert row(outcome, "crop80").metrics.pairs == 3 * 3


def test_distractors_that_are_originals_are_left_out(tmp_path, rng):
    data = folders.copies(tmp_path / "data")
    others = tmp_path / "others"
    folders.save(folders.subject((9, 9, 9)), others / "new.png")
    (others / "same.png").write_bytes((data / "images" / "sea_orig.png").read_bytes())

    outcome, _ = run(copies(data, distractors=others, rng=rng))

    assert row(outcome, "any edit").metrics.gallery == 4
    assert outcome.notes == ("1 distractors are the same file as an original and were left out.",)


def test_failures_name_what_came_first_and_the_rank_of_the_right_one(tmp_path, rng):
    # given: a leaf so dark that the black distractor is nearer to it than its original is
    data = folders.copies(tmp_path / "data", {"dark20": (0, 20)})
    folders.save(folders.subject((2, 6, 3)), data / "images" / "leaf_dark20.png")
    others = tmp_path / "others"
    folders.save(folders.subject((0, 0, 0)), others / "black.png")
    plan = copies(data, distractors=others, rng=rng)

    outcome, _ = run(plan)

    (failure,) = outcome.failures
    assert plan.images[failure.query].name == "images/leaf_dark20.png"
    assert plan.images[failure.first].name == "distractor: black.png"
    assert plan.images[failure.best].name == "images/leaf_orig.png"
    scores = [
        float(fakes.embed(folders.subject((2, 6, 3))) @ fakes.embed(folders.subject(colour)))
        for colour in [*folders.COLOURS.values(), (0, 0, 0)]
    ]
    assert failure.best_rank == 1 + sum(score > scores[1] for score in scores)
    assert (failure.first_score, failure.best_score) == pytest.approx((scores[3], scores[1]))
    assert failure.gallery == 4


def test_two_equal_encoders_do_not_differ(tmp_path):
    outcome, _ = run(cross_medium(folders.media(tmp_path)), encoders=2)

    assert len(outcome.comparisons) == 7
    for comparison in outcome.comparisons:
        assert (comparison.system, comparison.against) == ("grid1", "grid0")
        for difference in comparison.differences.values():
            assert (difference.value, difference.share_above_zero) == (0.0, 0.0)
            assert (difference.interval.low, difference.interval.high) == (0.0, 0.0)


def test_a_background_adds_normalised_scores(tmp_path):
    plan = cross_medium(folders.media(tmp_path / "data"))
    others = tmp_path / "others"
    folders.save(folders.subject((120, 10, 200)), others / "1.png")
    folders.save(folders.subject((10, 120, 10)), others / "2.png")

    outcome, systems = run(with_background(plan, others))

    assert [system.label for system in systems] == ["grid0", "grid0, normalised"]
    rows = systems[0].embeddings
    means = rows @ rows[-2:].T
    expected = rows[:3] @ rows[3:5].T - means[:3].mean(axis=1)[:, None] / 2
    expected = expected - means[3:5].mean(axis=1)[None, :] / 2
    assert systems[1].score(np.arange(3), np.arange(3, 5)) == pytest.approx(expected, abs=1e-6)
    assert {each.system for each in outcome.comparisons} == {"grid0, normalised"}


def test_a_background_of_the_evaluated_pictures_is_refused(tmp_path):
    data = folders.media(tmp_path)

    with pytest.raises(EvaluationDataInvalid, match="background"):
        run(with_background(cross_medium(data), data))


def test_the_same_seed_gives_the_same_intervals(tmp_path):
    plan = cross_medium(folders.media(tmp_path, count=3))

    first, second = (run(plan)[0] for _ in range(2))

    assert [each.intervals for each in first.rows] == [each.intervals for each in second.rows]


def test_too_many_pairs_are_refused_in_time(tmp_path):
    with pytest.raises(EvaluationDataInvalid, match="more than 10 pairs; use --limit"):
        run(cross_medium(folders.media(tmp_path)), max_pairs=10)


def test_with_objects_the_best_pair_of_regions_counts(tmp_path):
    plan = background(folders.scenes(tmp_path))
    embedded = embed(plan.images, [GridEncoder()], batch_size=4, detector=SquareDetector())

    whole, regions = systems_of(plan, embedded, [("grid", fakes.SPEC)])

    indices = np.arange(len(plan.images))
    found = regions.score(indices, indices)
    assert regions.label == "grid, with objects"
    images = [read_image(image) for image in plan.images]
    for row, one in enumerate(images):
        for column, other in enumerate(images):
            assert found[row, column] == pytest.approx(naive_score(one, other), abs=1e-5)
    # A scene's square is the plain subject itself, which the whole scene hardly resembles.
    (scene,) = [
        n for n, image in enumerate(plan.images) if image.name == "images/apple_scene.png (whole)"
    ]
    assert found[scene, 0] == pytest.approx(0.85, abs=1e-5)
    assert whole.score(indices, indices)[scene, 0] < 0.8


def test_expanded_queries_have_the_same_scores_in_another_order(tmp_path):
    plan = cross_medium(folders.media(tmp_path, count=4))
    embedded = embed(plan.images, [GridEncoder()], batch_size=4)
    rng = np.random.default_rng(2)
    middles = rng.standard_normal(embedded.embeddings[0].shape).astype(np.float32)
    middles /= np.linalg.norm(middles, axis=1, keepdims=True)

    plain, expanded = systems_of(plan, embedded, [("grid", fakes.SPEC)], [middles])

    indices = np.arange(len(plan.images))
    before, after = plain.score(indices, indices), expanded.score(indices, indices)
    assert expanded.label == "grid, expanded"
    np.testing.assert_array_equal(np.sort(before), np.sort(after))
    for row in indices:
        query = plain.embeddings[row] + middles[row]
        query /= np.linalg.norm(query)
        others = np.flatnonzero(before[row] < 0.999)
        near = others[np.argsort(-(plain.embeddings[others] @ query))]
        weights = neighbour_weights((plain.embeddings @ query)[near])
        query += weights @ plain.embeddings[near[: len(weights)]]
        np.testing.assert_array_equal(
            np.sort(before[row])[::-1], after[row][np.argsort(-(plain.embeddings @ query))]
        )


def naive_score(one, other):
    """The best pair of whole pictures and squares, those with a square less 0.15."""
    scores = []
    for number, first in enumerate(regions_of(one)):
        for index, second in enumerate(regions_of(other)):
            penalty = 0.15 if number or index else 0.0
            scores.append(float(fakes.embed(first) @ fakes.embed(second)) - penalty)
    return max(scores)


def regions_of(image):
    return [image, *([image.crop(image.getbbox())] if image.width > image.height else [])]


def test_without_a_detector_there_are_no_objects(tmp_path):
    _, systems = run(background(folders.scenes(tmp_path)))

    assert [(system.label, system.objects) for system in systems] == [("grid0", None)]
