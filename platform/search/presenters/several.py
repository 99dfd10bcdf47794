"""How the answer to a search with several pictures, or with words, is shown."""

from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext

from search import filter_fields
from search.asked_pictures import AskedPicture
from search.groups import MAX_HITS
from search.presenters.addresses import picture_url
from search.presenters.answer_json import hit_json
from search.presenters.headline import headline_of_several
from search.presenters.page import HitCard, card
from search.presenters.question_fields import QuestionFields, fields_of_question
from search.question import Wait
from search.services import CopiesState
from search.several import SeveralResult
from search.verdict_counts import count_verdicts
from search.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class AskedCard:
    """A picture that is asked with.

    Attributes:
        number: from 1, as hits name it.
        name: for people.
        url: where it can be seen.
        image_url: its own page, where it is an image of the catalogue; else "".
        is_unlike: whether it says what the images should not be like.
        remove_url: the search without it.
    """

    number: int
    name: str
    url: str
    image_url: str
    is_unlike: bool
    remove_url: str


@dataclass(frozen=True, slots=True)
class SeveralPage:
    """What was asked, and what it found.

    Attributes:
        headline: what was found, or that nothing was, in a sentence.
        asked: the pictures.
        words: that were asked with; "" for none.
        without_words_url: the search without them.
        hits: the images that are marked, best first, or all where nothing tells them from others.
        less_similar: the others.
        is_plain: whether there is nothing to see in any of the pictures.
        left_out: images that are copies of what the images should not be like.
        copies: "checked", "pending" or "unchecked".
        proofs_url: where the same answer is with its copies.
    """

    headline: str
    asked: tuple[AskedCard, ...]
    words: str
    without_words_url: str
    hits: tuple[HitCard, ...]
    less_similar: tuple[HitCard, ...]
    is_plain: bool
    left_out: int
    has_filters: bool
    copies: CopiesState
    proofs_url: str
    total_s: float

    @property
    def shown(self) -> int:
        """How many cards there are."""
        return len(self.hits) + len(self.less_similar)

    @property
    def is_kept(self) -> bool:
        """Whether any of the pictures is an upload, which is there for an hour."""
        return any(not one.image_url for one in self.asked)

    @property
    def is_calibrated(self) -> bool:
        """Whether cards show probabilities, and not bare scores."""
        return any(hit.percent is not None for hit in (*self.hits, *self.less_similar))


def present_several(result: SeveralResult) -> SeveralPage:
    """Return what the page shows, in the active language."""
    fields = fields_of_question(result.question)
    cards = _hits(result, fields)
    is_divided = result.mark is not None
    is_less = [is_divided and each.verdict is Verdict.SIMILAR for each in cards]
    pictures = [(asked, False) for asked in result.these]
    pictures += [(asked, True) for asked in result.unlike]
    return SeveralPage(
        headline=_headline(result),
        asked=tuple(
            _asked_card(number, asked, fields, is_unlike=is_unlike)
            for number, (asked, is_unlike) in enumerate(pictures, start=1)
        ),
        words=result.question.words,
        without_words_url=fields.without_words(),
        hits=tuple(each for each, less in zip(cards, is_less, strict=True) if not less),
        less_similar=tuple(each for each, less in zip(cards, is_less, strict=True) if less),
        is_plain=result.group.is_plain,
        left_out=result.left_out,
        has_filters=bool(result.question.filters),
        copies=result.copies,
        proofs_url=fields.url(Wait.PROOFS),
        total_s=result.total_ms / 1000,
    )


def several_json(result: SeveralResult) -> dict[str, Any]:
    """Return the answer for a program; hits are as in that of a search with one picture.

    `picture` is the index, in `these`, of the picture that a hit is most like or a copy of; None
    where words alone found it.
    """
    fields = fields_of_question(result.question)
    return {
        "these": [_asked_json(asked) for asked in result.these],
        "unlike": [_asked_json(asked) for asked in result.unlike],
        "words": result.question.words,
        "headline": _headline(result),
        "filters": filter_fields.as_json(result.question.filters),
        "sort": result.question.sort.value,
        "hits": [
            {**hit_json(hit), "picture": result.pictures.get(hit.image.pk)}
            for hit in result.group.hits
        ],
        "left_out": result.left_out,
        "is_plain": result.group.is_plain,
        "facets": [{"label": facet.label, "images": facet.images} for facet in result.facets],
        "are_copies_checked": result.copies is CopiesState.CHECKED,
        "copies": result.copies.value,
        "proofs_url": fields.url(Wait.PROOFS),
        "model_ms": result.model_ms,
        "total_ms": result.total_ms,
    }


def _asked_card(
    number: int, asked: AskedPicture, fields: QuestionFields, *, is_unlike: bool
) -> AskedCard:
    image = asked.image
    return AskedCard(
        number=number,
        name=gettext("Picture {number}").format(number=number) if image is None else str(image),
        url=picture_url(asked),
        image_url="" if image is None else image.get_absolute_url(),
        is_unlike=is_unlike,
        remove_url=fields.without(number - 1),
    )


def _headline(result: SeveralResult) -> str:
    if not result.these:  # words have no copies
        return gettext("Most similar pictures")
    asked = {each.image.pk for each in result.these if each.image is not None}
    others = tuple(hit for hit in result.group.hits if hit.image.pk not in asked)
    group = replace(result.group, hits=others)
    counts = count_verdicts([group], query_image=None, limit=MAX_HITS)
    return headline_of_several(counts, result.copies)


def _hits(result: SeveralResult, fields: QuestionFields) -> list[HitCard]:
    cards = []
    for hit in result.group.hits:
        number = result.pictures.get(hit.image.pk)
        said = ""
        if number is not None and len(result.these) > 1 and hit.copy is not None:
            said = gettext("of picture {number}").format(number=number + 1)
        # What lies over what is said of one picture; the page has several.
        cards.append(replace(card(hit, fields, result.mark), copy_of=said))
    return cards


def _asked_json(asked: AskedPicture) -> dict[str, Any]:
    image = asked.image
    return {
        "id": None if image else str(asked.stored.id),
        "image_id": str(image.pk) if image else None,
        "width": asked.facts.width,
        "height": asked.facts.height,
    }
