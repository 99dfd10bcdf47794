from ml.evaluation.retrieval.cross_medium import cross_medium
from ml.evaluation.retrieval.plan import with_background
from tests.unit.ml.evaluation import folders
from tests.unit.ml.evaluation.plans import named


def test_the_background_is_neither_asked_nor_searched(tmp_path):
    plan = cross_medium(folders.media(tmp_path / "data"))
    others = folders.media(tmp_path / "others", count=1)

    found = with_background(plan, others)

    assert named(found, found.background)[0] == "background: photo/apple/0.png"
    assert len(found.background) == 6
    assert found.trials == plan.trials
