from uuid import UUID

import pytest

from kernel.ids import point_id
from kernel.regions import FULL_IMAGE_KEY, RegionKey

SHA256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
PARTS = {"sha256": SHA256, "region": FULL_IMAGE_KEY, "encoder_version": 1}


def test_an_id_never_changes() -> None:
    # A literal: every installation's store holds points under ids made this way.
    assert point_id(**PARTS) == UUID("b5395511-f386-544e-8f9e-0371f7e6aecf")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"sha256": "0" * 64}, id="content"),
        pytest.param({"region": RegionKey("panel", 0)}, id="kind"),
        pytest.param({"region": RegionKey("whole", 1)}, id="ordinal"),
        pytest.param({"encoder_version": 2}, id="encoder-version"),
    ],
)
def test_every_part_makes_another_id(change: dict) -> None:
    assert point_id(**PARTS | change) != point_id(**PARTS)


def test_neighbouring_numbers_are_kept_apart() -> None:
    # "1:12" and "11:2" would be the same text without a separator.
    one = point_id(sha256=SHA256, region=RegionKey("object", 1), encoder_version=12)
    other = point_id(sha256=SHA256, region=RegionKey("object", 11), encoder_version=2)

    assert one != other
