import numpy as np
import pytest

from ml.errors import EvaluationDataInvalid
from ml.evaluation.retrieval.background import background
from ml.images.decode import decode
from tests.unit.ml.evaluation import folders
from tests.unit.ml.evaluation.plans import named, trial


def test_background_asks_scenes_whole_and_cropped(tmp_path):
    plan = background(folders.scenes(tmp_path))

    whole, cropped = trial(plan, "any scene, whole → plain"), trial(plan, "scene, cropped → plain")
    assert named(plan, whole.gallery) == [f"images/{n}_plain.png" for n in folders.COLOURS]
    assert whole.gallery == cropped.gallery
    assert named(plan, cropped.queries)[1] == "images/leaf_scene.png (cropped)"


def test_a_cropped_scene_is_its_subject(tmp_path):
    plan = background(folders.scenes(tmp_path))
    view = plan.images[trial(plan, "scene, cropped → plain").queries[1]]

    image = decode(view.path.read_bytes(), max_pixels=10_000)

    assert np.array_equal(
        np.asarray(view.make(image)), np.asarray(folders.subject(folders.COLOURS["leaf"]))
    )


@pytest.mark.parametrize(
    ("variant", "message"),
    [("scene", "variant 'plain'"), ("plain", "and of others")],
    ids=["nothing plain", "only plain"],
)
def test_data_that_ask_nothing_are_refused(tmp_path, variant, message):
    rows = [f"1.png,a,{variant},0,0,1,1", f"2.png,b,{variant},0,0,1,1"]
    folders.labels(tmp_path, "path,subject,variant,x,y,w,h", rows)

    with pytest.raises(EvaluationDataInvalid, match=message):
        background(tmp_path)
