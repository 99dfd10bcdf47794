"""How the answer to a search is shown to people: everything that the page says."""

import json
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import get_language, gettext, gettext_lazy

from catalog.labels import label_name
from catalog.models import Region
from catalog.presenters import thumbnail_srcset, thumbnail_url
from kernel.task_messages import Box, QueryRegion
from ml.rules.regions import FULL_IMAGE, OBJECT, PANEL
from search.groups import Group, ImageHit
from search.presenters.addresses import picture_url, search_address
from search.presenters.evidence import compare_url, comparison_of, part_key
from search.presenters.headline import headline
from search.presenters.question_fields import QuestionFields, picture_field
from search.question import Wait
from search.saved import is_upload_saved
from search.services import CopiesState, SearchResult
from search.verdicts import SameSubjectMark, Verdict

_VERDICTS = {
    Verdict.IDENTICAL: gettext_lazy("identical file"),
    Verdict.NEAR_IDENTICAL: gettext_lazy("same picture"),
    Verdict.EDITED_COPY: gettext_lazy("edited copy"),
    Verdict.SHARED_DESIGN: gettext_lazy("same design or object"),
    Verdict.SAME_SUBJECT: gettext_lazy("same subject"),
    Verdict.SIMILAR: "",
}


@dataclass(frozen=True, slots=True)
class PartLink:
    """A part of the query that can be searched alone.

    Attributes:
        key: "whole-0", "panel-3", "object-1" or "box-0": its anchor and its name in the API.
        name: for people.
        box: x, y, width, height in pixels of the upright picture.
        url: the search with this part; of the full image, the search with all.
        is_chosen: whether this search is that.
        percent: how sure the detector is of an object; None for the others.
    """

    key: str
    name: str
    box: tuple[int, int, int, int]
    url: str
    is_chosen: bool
    percent: int | None

    @property
    def kind(self) -> str:
        """What its key begins with."""
        return self.key.partition("-")[0]


@dataclass(frozen=True, slots=True)
class HitCard:
    """One image found.

    Attributes:
        box: where in the image the region lies that was matched: x, y, width, height in pixels of
            it upright; None is all of it.
        bar: from 0 to 1, for the meter: the probability, or the score where none is known.
        percent: the probability that both show the same subject; None where it is not known. All
            that is marked *same subject* has a higher one than all that is not.
        verdict: its stable name.
        verdict_shown: for people; "" says nothing.
        is_proved: whether pixels say so.
        is_unchecked: whether the time ran out before it was compared with the query.
        comparison: what the dialog shows of both pictures, as JSON; "" until copies are looked for.
        compare_url: the page that shows the same without scripts.
        found: the hit itself.
        like_url: the search with this image, too; "" where it is one already, or no more may be.
        unlike_url: the search for images that are not like it.
        copy_of: which of several pictures it is a copy of, for people; "" says nothing.
        is_asked: whether it is the image of the catalogue that is asked with.
    """

    rank: int
    title: str
    url: str
    thumbnail_url: str
    thumbnail_srcset: str
    width: int
    height: int
    box: tuple[int, int, int, int] | None
    score: float | None
    bar: str
    percent: int | None
    verdict: Verdict
    verdict_shown: str
    is_proved: bool
    is_unchecked: bool
    comparison: str
    found: ImageHit
    compare_url: str = ""
    like_url: str = ""
    unlike_url: str = ""
    copy_of: str = ""
    is_asked: bool = False


@dataclass(frozen=True, slots=True)
class GroupSection:
    """A part of the query and the images that it found.

    Attributes:
        part: the part.
        hits: the images that are marked, or all where nothing tells them from the others.
        less_similar: the others.
        is_plain: whether there is nothing to see in the part.
        lacks_proofs: whether its copies could not be checked although others' were.
    """

    part: PartLink
    hits: tuple[HitCard, ...]
    less_similar: tuple[HitCard, ...]
    is_plain: bool
    lacks_proofs: bool

    @property
    def marked(self) -> tuple[HitCard, ...]:
        """The hits without the image of the catalogue that is asked with: it finds itself."""
        return tuple(hit for hit in self.hits if not hit.is_asked)

    @property
    def summary(self) -> str:
        """The best that it found, for people; "" where it found nothing that is marked."""
        best = min((hit.verdict for hit in self.marked), key=lambda each: each.rung, default=None)
        return "" if best is None else str(_VERDICTS[best])


@dataclass(frozen=True, slots=True)
class ResultPage:
    """The query as it was understood, and what its parts found.

    Attributes:
        headline: what was found, or that nothing was, in a sentence.
        mark: where "same subject" begins; None where it is never said.
        is_kept: whether the picture is an upload, which is there for an hour; not a saved one.
        copies: "checked", "pending" or "unchecked".
        proofs_url: where the same answer is with its copies.
        has_proofs: whether copies of any part were checked.
        found: the answer itself.
    """

    headline: str
    mark: SameSubjectMark | None
    is_kept: bool
    query_name: str
    query_url: str
    query_width: int
    query_height: int
    layout: str
    parts: tuple[PartLink, ...]
    groups: tuple[GroupSection, ...]
    has_filters: bool
    copies: CopiesState
    proofs_url: str
    has_proofs: bool
    total_s: float
    found: SearchResult

    @property
    def pdf_url(self) -> str:
        """Where the answer is on a page of paper."""
        return f"{reverse('search:result_pdf')}?{urlsplit(self.proofs_url).query}"

    @property
    def csv_url(self) -> str:
        """Where the answer is as a table."""
        return f"{reverse('search:result_csv')}?{urlsplit(self.proofs_url).query}"

    @property
    def shown(self) -> int:
        """How many cards there are."""
        return sum(len(group.hits) + len(group.less_similar) for group in self.groups)

    @property
    def count_of_copies(self) -> int:
        """How many of the images found are copies."""
        return self.found.counts.copies

    @property
    def judged_pairs(self) -> str:
        """By how many pairs it was found what a percentage means."""
        return number_format(self.mark.pairs if self.mark else 0, force_grouping=True)

    @property
    def searches(self) -> list[PartLink]:
        """Parts to search with anew: those that have no results of their own below."""
        shown = {group.part.key for group in self.groups} if len(self.groups) > 1 else set()
        searches = [part for part in self.parts if part.key not in shown]
        return [] if [part.kind for part in searches] == [FULL_IMAGE] else searches

    @property
    def panels(self) -> int:
        """Of how many pictures a collage, screenshot or comic is made."""
        return sum(part.kind == PANEL for part in self.parts)

    @property
    def outlines(self) -> list[PartLink]:
        """Parts to draw over the picture, the largest first, so that each can be pointed at."""
        inner = (part for part in self.parts if part.kind != FULL_IMAGE)
        return sorted(inner, key=lambda part: -part.box[2] * part.box[3])

    @property
    def is_calibrated(self) -> bool:
        """Whether cards show probabilities, and not bare scores."""
        cards = (hit for group in self.groups for hit in (*group.hits, *group.less_similar))
        return any(hit.percent is not None for hit in cards)


def present_result(result: SearchResult, *, query_name: str) -> ResultPage:
    """Return what the page shows, in the active language."""
    links = _Links(result, query_name)
    fields = fields_of_result(result, query_name=query_name)
    has_proofs = any(group.are_copies_checked for group in result.groups)
    # Doubtful objects are searched, but to people they would only be clutter.
    found = [region for region in result.regions if region.kind != OBJECT or region.label]
    # A part that was found is marked itself; only a drawn box is one more.
    known = {region.box for region in found if region.kind != FULL_IMAGE}
    drawn = [] if result.box is None or result.box in known else [result.box]
    boxes = [QueryRegion("box", 0, box) for box in drawn]
    return ResultPage(
        headline=headline(result),
        mark=result.mark,
        is_kept=_is_kept(result),
        query_name=query_name,
        query_url=picture_url(result.asked),
        query_width=result.query.width,
        query_height=result.query.height,
        layout=result.layout,
        parts=tuple(links.part(region) for region in (*found, *boxes)),
        groups=tuple(
            _section(group, links.part(group.region), result, fields) for group in result.groups
        ),
        has_filters=bool(result.filters),
        copies=result.copies,
        proofs_url=links.proofs(),
        has_proofs=has_proofs,
        total_s=result.total_ms / 1000,
        found=result,
    )


def _is_kept(result: SearchResult) -> bool:
    """Return whether a page says that the upload expires: what is saved does not."""
    if result.asked.image is not None or result.copies is CopiesState.PENDING:
        return False
    return not is_upload_saved(result.asked.stored.id)


def _section(
    group: Group, part: PartLink, result: SearchResult, fields: QuestionFields
) -> GroupSection:
    # What the dialog says comes with the proofs, in a moment; till then the link leads to its page.
    is_pending = result.copies is CopiesState.PENDING
    is_divided = result.mark is not None or group.is_plain
    is_less = [is_divided and hit.verdict is Verdict.SIMILAR for hit in group.hits]
    cards = [
        card(
            *(hit, fields, result.mark),
            comparison="" if is_pending else json.dumps(comparison_of(hit, group, result)),
            compare_url=compare_url(hit, group.region, fields),
            is_asked=hit.image == result.asked.image,
        )
        for hit in group.hits
    ]
    has_proofs = any(each.are_copies_checked for each in result.groups)
    return GroupSection(
        part=part,
        hits=tuple(each for each, less in zip(cards, is_less, strict=True) if not less),
        less_similar=tuple(each for each, less in zip(cards, is_less, strict=True) if less),
        is_plain=group.is_plain,
        lacks_proofs=has_proofs and not group.are_copies_checked,
    )


def fields_of_result(result: SearchResult, *, query_name: str) -> QuestionFields:
    """Return what was asked, as an address says it."""
    return QuestionFields(
        pictures=(picture_field(result.asked.stored.id, result.asked.image),),
        filters=result.filters,
        sort=result.sort,
        box=result.box,
        name="" if result.asked.image else query_name,
    )


class _Links:
    """Addresses of searches with the same picture."""

    def __init__(self, result: SearchResult, name: str) -> None:
        self._asked, self._name = result.asked, name
        self._box = result.box
        self._filters, self._sort = result.filters, result.sort

    def part(self, region: QueryRegion) -> PartLink:
        is_full_image = region.kind == FULL_IMAGE
        x0, y0, x1, y1 = region.box
        return PartLink(
            key=part_key(region),
            name=part_name(region),
            box=(x0, y0, x1 - x0, y1 - y0),
            url=self._url(None if is_full_image else region.box),
            is_chosen=(self._box is None) if is_full_image else region.box == self._box,
            percent=round(100 * region.confidence) if region.kind == OBJECT else None,
        )

    def proofs(self) -> str:
        return self._url(self._box, wait=Wait.PROOFS)

    def _url(self, box: Box | None, *, wait: Wait | None = None) -> str:
        return search_address(
            self._asked,
            name=self._name,
            box=box,
            filters=self._filters,
            sort=self._sort,
            wait=wait,
        )


def verdict_name(verdict: Verdict) -> str:
    """Return what a rung is called, also where the page says nothing of it."""
    return str(_VERDICTS[verdict]) or gettext("similar")


def part_name(region: QueryRegion) -> str:
    """Return what a part of a query is called."""
    if region.kind == FULL_IMAGE:
        return gettext("The whole picture")
    if region.kind == PANEL:
        return gettext("Picture {number}").format(number=region.ordinal + 1)
    if region.kind == OBJECT:
        return _shown(region.label)
    return gettext("Chosen part")


def _shown(label: str) -> str:
    return label_name(label, get_language() or "en")


def card(
    hit: ImageHit,
    fields: QuestionFields,
    mark: SameSubjectMark | None = None,
    *,
    comparison: str = "",
    compare_url: str = "",
    is_asked: bool = False,
) -> HitCard:
    """Return how an image is shown that was found by what these fields ask."""
    image, likely = hit.image, hit.probability
    bar = likely if likely is not None else hit.score
    return HitCard(
        rank=hit.rank,
        title=str(image),
        url=image.get_absolute_url(),
        thumbnail_url=thumbnail_url(image),
        thumbnail_srcset=thumbnail_srcset(image),
        width=image.width,
        height=image.height,
        box=_part_box(hit.region),
        score=hit.score,
        bar=f"{min(max(bar or 0.0, 0.0), 1.0):.3f}",
        percent=_percent(likely, mark),
        verdict=hit.verdict,
        verdict_shown=gettext("the picture itself") if is_asked else str(_VERDICTS[hit.verdict]),
        is_proved=hit.verdict.is_proved,
        is_unchecked=hit.is_unchecked,
        comparison=comparison,
        found=hit,
        compare_url=compare_url,
        like_url=fields.with_image(image.pk, is_unlike=False),
        unlike_url=fields.with_image(image.pk, is_unlike=True),
        is_asked=is_asked,
    )


def _percent(likely: float | None, mark: SameSubjectMark | None) -> int | None:
    if likely is None:
        return None
    return round(100 * likely) if mark is None else mark.shown_percent(likely)


def _part_box(region: Region | None) -> tuple[int, int, int, int] | None:
    if region is None or region.kind == Region.Kind.FULL_IMAGE:
        return None
    return region.x0, region.y0, region.x1 - region.x0, region.y1 - region.y0
