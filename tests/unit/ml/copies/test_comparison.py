import numpy as np
import pytest
from PIL import Image

from ml.copies.comparison import (
    CopyVerdict,
    PreparedCandidate,
    PreparedQuery,
    compare,
    extract,
    extract_query,
)
from ml.copies.made import designs
from ml.copies.pdq import HashDistance, Orientation
from tests.unit.ml.copies.scenes import cut, jpeg, pasted, scene

PLAIN = np.full((240, 320, 3), 90, np.uint8)


@pytest.mark.parametrize(
    ("copy", "verdict"),
    [
        (scene(1), CopyVerdict.NEAR_IDENTICAL),
        (jpeg(np.rot90(scene(1)), 40), CopyVerdict.NEAR_IDENTICAL),
        (cut(scene(1), 70, 50, 245, 182), CopyVerdict.EDITED_COPY),
        (scene(2), CopyVerdict.NO_COPY),
        (PLAIN, CopyVerdict.NO_COPY),
    ],
    ids=["identical", "turned and saved again", "crop", "another scene", "one colour"],
)
def test_the_best_rung_that_holds_is_the_verdict(copy, verdict):
    found = compare(extract_query(copy), extract(scene(1)))

    assert found.verdict is verdict
    assert (found.placement is None) is (verdict is CopyVerdict.NO_COPY)


@pytest.mark.parametrize("seed", [0, 5, 21])
def test_few_pairs_of_features_are_a_copy_where_the_pixels_are_the_same(seed):
    original = scene(seed, 480, 360)
    query = PreparedQuery.of(extract_query(jpeg(cut(original, 200, 150, 300, 225), 50)))
    candidate = PreparedCandidate.of(extract(original))

    laid = query.lay(candidate)

    assert laid.judged is not None
    assert not laid.is_proved
    assert query.compare(candidate).verdict is CopyVerdict.EDITED_COPY
    assert query.compare(PreparedCandidate.of(extract(scene(seed + 50)))).verdict is (
        CopyVerdict.NO_COPY
    )


def test_the_evidence_says_how_the_query_is_turned():
    found = compare(extract_query(scene(1)[:, ::-1]), extract(scene(1)))

    assert found.distance == HashDistance(0, Orientation.MIRRORED)


def test_pictures_of_one_colour_are_no_copies_however_equal_their_hashes():
    found = compare(extract_query(PLAIN), extract(PLAIN + 1))

    assert (found.verdict, found.distance) == (CopyVerdict.NO_COPY, None)


# What differs where they overlap


PHOTOS = [Image.fromarray(scene(seed, 480, 360)) for seed in range(6)]


def page(family, content_seed):
    drawn = designs.draw(family, layout_seed=8, content_seed=content_seed, photos=PHOTOS)
    return np.asarray(drawn)


def verdict_of(query, candidate):
    return compare(extract_query(np.ascontiguousarray(query)), extract(candidate)).verdict


@pytest.mark.parametrize("family", designs.FAMILIES, ids=lambda family: family.__name__)
def test_other_content_in_the_same_design_is_no_copy_and_a_saved_page_is_one(family):
    first, other = page(family, 1), page(family, 2)

    assert not verdict_of(other, first).is_copy
    assert verdict_of(
        jpeg(cut(first, 4, 4, first.shape[1] - 4, first.shape[0] - 4), 70), first
    ).is_copy


def test_a_fixed_cameras_next_shot_is_never_the_same_picture():
    found = verdict_of(page(designs.fixed_camera, 2), page(designs.fixed_camera, 1))

    assert found is not CopyVerdict.NEAR_IDENTICAL


@pytest.mark.parametrize(
    "recoloured",
    [scene(1)[..., [2, 1, 0]], np.repeat(scene(1).mean(axis=2, keepdims=True), 3, axis=2)],
    ids=["red for blue", "grey"],
)
def test_another_colour_is_an_edited_copy_at_most(recoloured):
    assert verdict_of(recoloured.astype(np.uint8), scene(1)) is CopyVerdict.EDITED_COPY


@pytest.mark.parametrize("turns", range(4))
def test_a_negative_is_an_edited_copy(turns):
    assert verdict_of(np.rot90(~scene(1), turns), scene(1)) is CopyVerdict.EDITED_COPY
    assert verdict_of(np.rot90(~scene(2), turns), scene(1)) is CopyVerdict.NO_COPY


def test_a_thing_before_another_ground_is_shared():
    thing = cut(scene(1, 640, 480), 200, 150, 380, 300)
    first = pasted(thing, scene(7, 640, 480), 60, 50)
    second = pasted(thing, scene(8, 640, 480), 330, 260)

    assert verdict_of(first, second) is CopyVerdict.SHARED_DESIGN


def test_a_makers_mark_in_a_corner_is_no_shared_design():
    mark = cut(scene(1, 640, 480), 200, 150, 260, 190)
    first = pasted(mark, scene(7, 640, 480), 570, 430)
    second = pasted(mark, scene(8, 640, 480), 570, 430)

    assert verdict_of(first, second) is CopyVerdict.NO_COPY
