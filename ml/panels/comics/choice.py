"""Whether a picture is a comic, rather than the collage or page that was found in it, too."""

from collections.abc import Sequence
from statistics import mean, median

from ml.panels.comics.comic_search import ComicPanel
from ml.panels.config import CONFIG
from ml.panels.measurement.work_copy import WorkCopy
from ml.panels.pages import is_page
from ml.panels.search.candidates import PanelCandidate
from ml.types import Box, shared_area


def is_rather_comic(
    work_copy: WorkCopy,
    comic: Sequence[ComicPanel],
    panels: Sequence[PanelCandidate],
    *,
    is_collage: bool,
) -> bool:
    """Return whether a comic's panels are likelier than those of a collage or page.

    Args:
        work_copy: the picture.
        comic: its panels as a comic; none where it is none.
        panels: photos found in it, which may be none.
        is_collage: whether these are those of a collage, where the picture is no page.
    """
    if not comic or is_page(work_copy, [each.outline.box for each in comic]):
        return False
    if any(not each.outline.is_box for each in comic):
        return True
    inside = [[each.box for each in panels if _is_in(each.box, around)] for around in comic]
    if is_page(work_copy, [each.box for each in panels]):
        return _is_no_page(work_copy, comic, inside)
    # Several photos that make up one of a comic's panels are rather photos side by side.
    has_piece = any(
        len(boxes) == 1 and _share(boxes[0], around) < CONFIG.comics.max_share_of_piece
        for boxes, around in zip(inside, comic, strict=True)
    )
    are_as_many = len(comic) >= len(panels)
    is_clear = _clearness(comic) >= CONFIG.comics.min_clearness_over_collage
    if has_piece and are_as_many and is_clear:
        return True
    are_all_inside = sum(len(boxes) for boxes in inside) == len(panels)
    return len(comic) > len(panels) and (are_all_inside or not is_collage)


def _is_no_page(
    work_copy: WorkCopy, comic: Sequence[ComicPanel], inside: Sequence[Sequence[Box]]
) -> bool:
    """Return whether what lies in panels is no card: those have words beside their photos."""
    config = CONFIG.comics
    if _clearness(comic) < config.min_clearness_on_page:
        return False
    covered = sum(each.outline.area for each in comic) / work_copy.area
    is_full = covered >= config.min_covered_share_on_page
    shares = [
        _share(box, around) for boxes, around in zip(inside, comic, strict=True) for box in boxes
    ]
    return is_full or (bool(shares) and median(shares) >= config.min_share_of_card)


def _clearness(comic: Sequence[ComicPanel]) -> float:
    return mean(each.confidence for each in comic)


def _is_in(box: Box, around: ComicPanel) -> bool:
    shared = shared_area(box, around.outline.box)
    return shared >= CONFIG.comics.min_inside_share * box.area


def _share(box: Box, around: ComicPanel) -> float:
    """Return how much of a comic's panel a box in it fills, 0..1."""
    return shared_area(box, around.outline.box) / around.outline.box.area
