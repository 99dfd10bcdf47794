import numpy as np
import pytest
from PIL import Image

from ml.copies.made import edits
from ml.errors import EvaluationDataInvalid
from ml.evaluation.copies.plan import copies
from ml.images.decode import decode
from tests.unit.ml.evaluation import folders
from tests.unit.ml.evaluation.plans import named, trial


def test_copies_are_searched_among_originals_and_distractors(tmp_path):
    others = folders.media(tmp_path / "others", count=1)

    plan = copies(
        folders.copies(tmp_path / "data"), distractors=others, rng=np.random.default_rng(0)
    )

    assert [each.name for each in plan.trials] == ["any edit", "dark20", "band50"]
    gallery = named(plan, trial(plan, "dark20").gallery)
    assert gallery[:3] == [f"images/{name}_orig.png" for name in folders.COLOURS]
    assert gallery[3] == "distractor: photo/apple/0.png"
    assert [plan.images[index].subject for index in plan.distractors] == [None] * 6
    assert named(plan, trial(plan, "band50").queries) == [
        f"images/{name}_band50.png" for name in folders.COLOURS
    ]
    assert [each.panel for each in plan.trials] == ["any edit", "dark", "band"]


def test_copies_of_unlabelled_pictures_are_made_with_the_whole_grid(tmp_path):
    data = folders.media(tmp_path, count=1, bands={"photo": 0})

    plan = copies(data, rng=np.random.default_rng(0))

    assert len(plan.images) == 3 + 3 * len(edits.GRID)
    assert len(plan.trials) == 1 + len(edits.GRID)
    assert {len(each.queries) for each in plan.trials[1:]} == {3}
    inside = plan.images[trial(plan, "inside25").queries[0]]
    assert inside.also_shows == data / "photo" / "leaf" / "0.png"
    crop = plan.images[trial(plan, "crop20").queries[0]]
    assert (crop.also_shows, crop.subject) == (None, "photo/apple/0.png")


def test_a_lone_original_is_pasted_into_a_distractor(tmp_path):
    data = tmp_path / "data"
    folders.save(folders.subject(folders.COLOURS["leaf"]), data / "leaf.png")
    others = folders.media(tmp_path / "others", count=1, bands={"photo": 0})

    plan = copies(data, distractors=others, rng=np.random.default_rng(0))

    inside = plan.images[trial(plan, "inside25").queries[0]]
    assert inside.also_shows == others / "photo" / "apple" / "0.png"


def test_made_copies_follow_the_seed_alone(tmp_path):
    data = folders.media(tmp_path, count=1, bands={"photo": 12})

    def pixels(seed):
        plan = copies(data, rng=np.random.default_rng(seed))
        view = plan.images[trial(plan, "crop20").queries[0]]
        image = decode(view.path.read_bytes(), max_pixels=10_000)
        return [view.make(image).tobytes() for _ in range(2)]

    first, again = pixels(1)
    assert first == again == pixels(1)[0]
    assert len({pixels(seed)[0] for seed in range(8)}) > 1


@pytest.mark.parametrize("size", [(20_001, 1), (1, 20_001)], ids=["wide", "high"])
def test_a_picture_too_long_to_be_edited_is_refused(tmp_path, size):
    # given: turned by 45 degrees it would be a square of its length, and no JPEG is so long
    data = folders.media(tmp_path, count=1, bands={"photo": 0})
    plan = copies(data, rng=np.random.default_rng(0))
    originals = len(trial(plan, "any edit").gallery)

    for view in plan.images[originals : originals + len(edits.GRID)]:
        with pytest.raises(EvaluationDataInvalid, match="20001"):
            view.make(Image.new("RGB", size))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["1.png,a,crop", "2.png,b,crop"], "needs originals"),
        (["1.png,a,orig", "2.png,b,orig"], "edited copies"),
        (["1.png,a,orig", "2.png,a,crop"], "one original only"),
    ],
    ids=["no original", "no copy", "nothing to choose from"],
)
def test_copies_that_ask_nothing_are_refused(tmp_path, rng, rows, message):
    folders.labels(tmp_path, "path,group,edit", rows)

    with pytest.raises(EvaluationDataInvalid, match=message):
        copies(tmp_path, rng=rng)
