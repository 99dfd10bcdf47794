"""A query beside one of its hits, as a page: what the dialog shows, for who has no scripts."""

from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext

from kernel.task_messages import Box
from search.groups import Group, ImageHit
from search.presenters.addresses import picture_url
from search.presenters.evidence import comparison_of, part_key
from search.presenters.page import HitCard, card, fields_of_result
from search.services import SearchResult


@dataclass(frozen=True, slots=True)
class ComparedSide:
    """One of the two pictures.

    Attributes:
        name: for people.
        url: where it can be seen.
        width, height: of it upright, in pixels.
        box: x, y, width, height of what met; None where `corners` say it.
        corners: of what met, as SVG has points; "" where it is a box.
    """

    name: str
    url: str
    width: int
    height: int
    box: tuple[int, int, int, int] | None
    corners: str


@dataclass(frozen=True, slots=True)
class ComparedPage:
    """A hit beside the query.

    Attributes:
        card: the hit.
        sides: the query's picture, and the image.
        why: what kept it from the next rung; "" of the best.
        said: how much of one the other shows; "" where no proof says it.
        objects: what was found in both; "" for nothing.
        answer_url: where all hits are.
    """

    card: HitCard
    sides: tuple[ComparedSide, ComparedSide]
    why: str
    said: str
    objects: str
    answer_url: str


def present_compared(
    result: SearchResult, *, query_name: str, found: UUID, part: str
) -> ComparedPage | None:
    """Return the page, in the active language; None where the part did not find the image.

    Args:
        result: the answer that it is one of.
        query_name: what the asked picture is called.
        found: the image.
        part: the key of the query's part that found it.
    """
    one = _find(result, found, part)
    if one is None:
        return None
    group, hit = one
    told = comparison_of(hit, group, result)
    fields = fields_of_result(result, query_name=query_name)
    query = ComparedSide(
        name=gettext("Your picture"),
        url=picture_url(result.asked),
        width=result.query.width,
        height=result.query.height,
        box=_sized(told["box"]),
        corners="",
    )
    outline, found_box = told["outline"], told["found_box"]
    image = ComparedSide(
        name=gettext("The image found"),
        url=told["image"],
        width=told["width"],
        height=told["height"],
        box=None if outline or found_box is None else _sized(found_box),
        corners=" ".join(f"{x:.1f},{y:.1f}" for x, y in outline or ()),
    )
    objects = ", ".join(told["objects"])
    return ComparedPage(
        card=card(hit, fields, result.mark, is_asked=hit.image == result.asked.image),
        sides=(query, image),
        why=told["why"],
        said=told["said"],
        objects=objects and gettext("Found in both: {objects}.").format(objects=objects),
        answer_url=fields.url(),
    )


def _find(result: SearchResult, found: UUID, part: str) -> tuple[Group, ImageHit] | None:
    for group in result.groups:
        if part_key(group.region) == part:
            return next(((group, hit) for hit in group.hits if hit.image.pk == found), None)
    return None


def _sized(box: Box) -> tuple[int, int, int, int]:
    x0, y0, x1, y1 = box
    return x0, y0, x1 - x0, y1 - y0
