import numpy as np
import pytest
from PIL import Image

from ml.errors import EvaluationDataInvalid
from ml.evaluation.copies import edits
from ml.evaluation.retrieval import plan as protocols
from tests.unit.ml.evaluation import folders


def named(plan, places):
    return [plan.views[place].name for place in places]


def trial(plan, name):
    (found,) = [each for each in plan.trials if each.name == name]
    return found


def test_cross_medium_asks_every_ordered_pair_and_the_mixed_gallery(tmp_path):
    plan = protocols.cross_medium(folders.media(tmp_path))

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
    assert len(plan.views) == 12
    assert len(trial(plan, "sketch → all media").gallery) == 12


def test_of_three_media_the_others_are_asked_together(tmp_path):
    bands = {"art": 4, "photo": 0, "sketch": 24}

    plan = protocols.cross_medium(folders.media(tmp_path, bands=bands))

    queries = named(plan, trial(plan, "other media → photo").queries)
    assert {name.split("/")[0] for name in queries} == {"art", "sketch"}
    assert len(plan.trials) == 9 + 3 + 3 + 1


def test_one_medium_is_asked_within_itself_alone(tmp_path):
    plan = protocols.cross_medium(folders.media(tmp_path, bands={"photo": 0}))

    assert [each.name for each in plan.trials] == ["photo → photo"]


def test_a_limit_is_of_each_subject_in_each_medium(tmp_path):
    plan = protocols.cross_medium(folders.media(tmp_path, count=3), limit=1)

    assert len(plan.views) == 6
    assert plan.notes == ("A quick try: limited to 1; not the whole data.",)


def test_background_asks_scenes_whole_and_cropped(tmp_path):
    plan = protocols.background(folders.scenes(tmp_path))

    whole, cropped = trial(plan, "any scene, whole → plain"), trial(plan, "scene, cropped → plain")
    assert named(plan, whole.gallery) == [f"images/{n}_plain.png" for n in folders.COLOURS]
    assert whole.gallery == cropped.gallery
    assert named(plan, cropped.queries)[1] == "images/leaf_scene.png (cropped)"


def test_a_cropped_scene_is_its_subject(tmp_path):
    plan = protocols.background(folders.scenes(tmp_path))
    view = plan.views[trial(plan, "scene, cropped → plain").queries[1]]

    image = protocols.decode(view.path.read_bytes(), max_pixels=10_000)

    assert np.array_equal(
        np.asarray(view.make(image)), np.asarray(folders.subject(folders.COLOURS["leaf"]))
    )


def test_copies_are_searched_among_originals_and_distractors(tmp_path):
    others = folders.media(tmp_path / "others", count=1)

    plan = protocols.copies(
        folders.copies(tmp_path / "data"), distractors=others, rng=np.random.default_rng(0)
    )

    assert [each.name for each in plan.trials] == ["any edit", "dark20", "band50"]
    gallery = named(plan, trial(plan, "dark20").gallery)
    assert gallery[:3] == [f"images/{name}_orig.png" for name in folders.COLOURS]
    assert gallery[3] == "distractor: photo/apple/0.png"
    assert [plan.views[place].subject for place in plan.distractors] == [None] * 6
    assert named(plan, trial(plan, "band50").queries) == [
        f"images/{name}_band50.png" for name in folders.COLOURS
    ]
    assert [each.panel for each in plan.trials] == ["any edit", "dark", "band"]


def test_copies_of_unlabelled_pictures_are_made_with_the_whole_grid(tmp_path):
    data = folders.media(tmp_path, count=1, bands={"photo": 0})

    plan = protocols.copies(data, rng=np.random.default_rng(0))

    assert len(plan.views) == 3 + 3 * len(edits.GRID)
    assert len(plan.trials) == 1 + len(edits.GRID)
    assert {len(each.queries) for each in plan.trials[1:]} == {3}
    inside = plan.views[trial(plan, "inside25").queries[0]]
    assert inside.also_shows == data / "photo" / "leaf" / "0.png"
    crop = plan.views[trial(plan, "crop20").queries[0]]
    assert (crop.also_shows, crop.subject) == (None, "photo/apple/0.png")


def test_a_lone_original_is_pasted_into_a_distractor(tmp_path):
    data = tmp_path / "data"
    folders.save(folders.subject(folders.COLOURS["leaf"]), data / "leaf.png")
    others = folders.media(tmp_path / "others", count=1, bands={"photo": 0})

    plan = protocols.copies(data, distractors=others, rng=np.random.default_rng(0))

    inside = plan.views[trial(plan, "inside25").queries[0]]
    assert inside.also_shows == others / "photo" / "apple" / "0.png"


def test_made_copies_follow_the_seed_alone(tmp_path):
    data = folders.media(tmp_path, count=1, bands={"photo": 12})

    def pixels(seed):
        plan = protocols.copies(data, rng=np.random.default_rng(seed))
        view = plan.views[trial(plan, "crop20").queries[0]]
        image = protocols.decode(view.path.read_bytes(), max_pixels=10_000)
        return [view.make(image).tobytes() for _ in range(2)]

    first, again = pixels(1)
    assert first == again == pixels(1)[0]
    assert len({pixels(seed)[0] for seed in range(8)}) > 1


@pytest.mark.parametrize("size", [(20_001, 1), (1, 20_001)], ids=["wide", "high"])
def test_a_picture_too_long_to_be_edited_is_refused(tmp_path, size):
    # given: turned by 45 degrees it would be a square of its length, and no JPEG is so long
    data = folders.media(tmp_path, count=1, bands={"photo": 0})
    plan = protocols.copies(data, rng=np.random.default_rng(0))
    originals = len(trial(plan, "any edit").gallery)

    for view in plan.views[originals : originals + len(edits.GRID)]:
        with pytest.raises(EvaluationDataInvalid, match="20001"):
            view.make(Image.new("RGB", size))


def test_the_background_is_neither_asked_nor_searched(tmp_path):
    plan = protocols.cross_medium(folders.media(tmp_path / "data"))
    others = folders.media(tmp_path / "others", count=1)

    found = protocols.with_background(plan, others)

    assert named(found, found.background)[0] == "background: photo/apple/0.png"
    assert len(found.background) == 6
    assert found.trials == plan.trials


@pytest.mark.parametrize(
    ("ask", "rows", "message"),
    [
        (protocols.cross_medium, ("path,subject_id,style", ["1.png,a,x", "2.png,a,y"]), "one subj"),
        (
            protocols.background,
            ("path,subject,variant,x,y,w,h", ["1.png,a,scene,0,0,1,1", "2.png,b,scene,0,0,1,1"]),
            "variant 'plain'",
        ),
        (
            protocols.background,
            ("path,subject,variant,x,y,w,h", ["1.png,a,plain,0,0,1,1", "2.png,b,plain,0,0,1,1"]),
            "and of others",
        ),
    ],
    ids=["one subject", "nothing plain", "only plain"],
)
def test_data_that_ask_nothing_are_refused(tmp_path, ask, rows, message):
    folders.labels(tmp_path, *rows)

    with pytest.raises(EvaluationDataInvalid, match=message):
        ask(tmp_path)


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
        protocols.copies(tmp_path, rng=rng)
