import pytest

from ml.errors import EvaluationDataInvalid
from ml.evaluation.retrieval.cross_medium import cross_medium
from tests.unit.ml.evaluation import folders
from tests.unit.ml.evaluation.plans import named, trial


def test_cross_medium_asks_every_ordered_pair_and_the_mixed_gallery(tmp_path):
    plan = cross_medium(folders.media(tmp_path))

    assert [each.name for each in plan.trials] == [
        "photo → photo",
        "sketch → photo",
        "photo → sketch",
        "sketch → sketch",
        "photo → all media",
        "sketch → all media",
        "all media → all media",
    ]
    assert {name.split("/")[0] for name in named(plan, trial(plan, "sketch → photo").queries)} == {
        "sketch"
    }
    assert {name.split("/")[0] for name in named(plan, trial(plan, "sketch → photo").gallery)} == {
        "photo"
    }
    assert len(plan.images) == 12
    assert len(trial(plan, "sketch → all media").gallery) == 12


def test_of_three_media_the_others_are_asked_together(tmp_path):
    bands = {"art": 4, "photo": 0, "sketch": 24}

    plan = cross_medium(folders.media(tmp_path, bands=bands))

    queries = named(plan, trial(plan, "other media → photo").queries)
    assert {name.split("/")[0] for name in queries} == {"art", "sketch"}
    assert len(plan.trials) == 9 + 3 + 3 + 1


def test_one_medium_is_asked_within_itself_alone(tmp_path):
    plan = cross_medium(folders.media(tmp_path, bands={"photo": 0}))

    assert [each.name for each in plan.trials] == ["photo → photo"]


def test_a_limit_is_of_each_subject_in_each_medium(tmp_path):
    plan = cross_medium(folders.media(tmp_path, count=3), limit=1)

    assert len(plan.images) == 6
    assert plan.notes == ("A quick try: limited to 1; not the whole data.",)


def test_one_subject_asks_nothing(tmp_path):
    folders.labels(tmp_path, "path,subject_id,style", ["1.png,a,x", "2.png,a,y"])

    with pytest.raises(EvaluationDataInvalid, match="one subj"):
        cross_medium(tmp_path)


def test_distractors_are_in_every_gallery_and_answer_nothing(tmp_path):
    others = tmp_path / "others"
    folders.media(others)

    plan = cross_medium(folders.media(tmp_path / "data"), distractors=others)

    without = cross_medium(tmp_path / "data")
    count = len(without.images)
    assert plan.distractors == tuple(range(count, len(plan.images)))
    assert {plan.images[index].subject for index in plan.distractors} == {None}
    assert [trial.queries for trial in plan.trials] == [trial.queries for trial in without.trials]
    assert [trial.gallery for trial in plan.trials] == [
        trial.gallery + plan.distractors for trial in without.trials
    ]
