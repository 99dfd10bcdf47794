"""What a picture is segmented into, by the names under which databases and answers know it."""

from typing import Final, Literal, TypeGuard, get_args

RegionKind = Literal["whole", "panel", "object"]
# A person may also search with a box of their own.
QueryKind = RegionKind | Literal["box"]

FULL_IMAGE: Final = "whole"
PANEL: Final = "panel"
OBJECT: Final = "object"


def is_region_kind(stored: object) -> TypeGuard[RegionKind]:
    """Return whether a database's or an index's value is one of the kinds."""
    return stored in get_args(RegionKind)


def region_kind(stored: str) -> RegionKind:
    """Return the kind that a database or an index holds as text.

    Raises:
        ValueError: there is no such kind.
    """
    if not is_region_kind(stored):
        raise ValueError(f"no kind of region {stored!r}")
    return stored
