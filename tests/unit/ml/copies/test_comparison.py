import numpy as np
import pytest

from ml.copies.comparison import CopyVerdict, compare, extract, extract_query
from ml.copies.pdq import HashDistance, Orientation
from tests.unit.ml.copies.scenes import cut, jpeg, scene

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


def test_the_evidence_says_how_the_query_is_turned():
    found = compare(extract_query(scene(1)[:, ::-1]), extract(scene(1)))

    assert found.distance == HashDistance(0, Orientation.MIRRORED)


def test_pictures_of_one_colour_are_no_copies_however_equal_their_hashes():
    found = compare(extract_query(PLAIN), extract(PLAIN + 1))

    assert (found.verdict, found.distance) == (CopyVerdict.NO_COPY, None)
