import pytest

from ml.rules.regions import FULL_IMAGE, OBJECT, PANEL, region_kind


@pytest.mark.parametrize("kind", [FULL_IMAGE, PANEL, OBJECT])
def test_a_stored_kind_is_itself(kind):
    assert region_kind(kind) == kind


@pytest.mark.parametrize("stored", ["", "Whole", "full image", "box"])
def test_what_is_no_kind_of_region_is_refused(stored):
    with pytest.raises(ValueError, match="no kind of region"):
        region_kind(stored)
