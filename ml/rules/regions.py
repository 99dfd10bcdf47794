"""What a picture is segmented into, by the names under which databases and answers know it."""

from typing import Final, Literal, cast, get_args

RegionKind = Literal["whole", "panel", "object"]
# A person may also search with a box of their own.
QueryKind = RegionKind | Literal["box"]

FULL_IMAGE: Final = "whole"
PANEL: Final = "panel"
OBJECT: Final = "object"


def region_kind(stored: str) -> RegionKind:
    """Return the kind that a database or an index holds as text.

    Raises:
        ValueError: there is no such kind.
    """
    if stored not in get_args(RegionKind):
        raise ValueError(f"no kind of region {stored!r}")
    return cast("RegionKind", stored)
