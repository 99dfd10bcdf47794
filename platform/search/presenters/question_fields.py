"""What an address asks, to be asked again with something more or less."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal
from uuid import UUID

from django.utils.http import urlencode

from catalog.addresses import page_address
from catalog.models import Image
from kernel.task_messages import Box
from search.filter_fields import fields_of
from search.question import Filters, Sort, Wait
from search.several import MAX_PICTURES, SeveralQuestion

_IMAGE, _UNLIKE_IMAGE = "image", "unlike_image"
_THESE = ("query", _IMAGE)


@dataclass(frozen=True, slots=True)
class QuestionFields:
    """A question as an address says it.

    Attributes:
        pictures: the field and the id of each, first those that the images should be like.
        filters: which images may be found.
        sort: their order.
        words: that the images should fit.
        box: of the only picture that they should be like.
        name: of the only picture, a kept query's.
    """

    pictures: tuple[tuple[str, str], ...]
    filters: Filters
    sort: Sort
    words: str = ""
    box: Box | None = None
    name: str = ""

    @property
    def these(self) -> int:
        """How many pictures the images should be like."""
        return sum(field in _THESE for field, _ in self.pictures)

    def url(self, wait: Wait | None = None) -> str:
        """Return the address; of nothing that is asked, the page that asks."""
        if not self.these and not self.words:
            return page_address("search:page")
        return f"{page_address('search:page')}?{urlencode(self.fields(wait))}"

    @property
    def without_words_fields(self) -> list[tuple[str, str]]:
        """The fields that a form adds words to."""
        return replace(self, words="").fields()

    def fields(self, wait: Wait | None = None) -> list[tuple[str, str]]:
        """Return the fields of the address."""
        fields = list(self.pictures)
        if self.name and self.these == 1:
            fields.append(("name", self.name))
        if self.words:
            fields.append(("words", self.words))
        fields += fields_of(self.filters, self.sort)
        if self.box is not None and self.these == 1:
            fields.append(("box", ",".join(str(number) for number in self.box)))
        if wait is not None:
            fields.append(("wait", wait.value))
        return fields

    def with_image(self, image_id: UUID, *, is_unlike: bool) -> str:
        """Return the address that asks with an image of the catalogue, too.

        "" where no more pictures may be asked with, or the image is one of them.
        """
        known = {one for field, one in self.pictures if field in (_IMAGE, _UNLIKE_IMAGE)}
        if len(self.pictures) >= MAX_PICTURES or str(image_id) in known:
            return ""
        before, after = _around_image(self, _UNLIKE_IMAGE if is_unlike else _IMAGE)
        return f"{before}{image_id}{after}"

    def without(self, position: int) -> str:
        """Return the address that asks with one picture less."""
        pictures = (*self.pictures[:position], *self.pictures[position + 1 :])
        return replace(self, pictures=pictures).url()

    def without_words(self) -> str:
        """Return the address that asks without the words."""
        return replace(self, words="").url()


_ORDER = (*_THESE, "unlike", _UNLIKE_IMAGE)
_ANY_ID = str(UUID(int=0))


@lru_cache(maxsize=32)  # all hits of a page are added to the same question
def _around_image(fields: QuestionFields, field: str) -> tuple[str, str]:
    """Return what stands before and after the id of an image that is added under a field."""
    # As fields are read, each under its name; so an address has one order.
    pictures = sorted([*fields.pictures, (field, _ANY_ID)], key=lambda each: _ORDER.index(each[0]))
    before, _, after = replace(fields, pictures=tuple(pictures)).url().partition(_ANY_ID)
    return before, after


def fields_of_question(question: SeveralQuestion) -> QuestionFields:
    """Return a question with several pictures, or with words, as an address says it."""
    return QuestionFields(
        pictures=(
            *(picture_field(each.query_id, each.image) for each in question.these),
            *(picture_field(each.query_id, each.image, "unlike") for each in question.unlike),
        ),
        filters=question.filters,
        sort=question.sort,
        words=question.words,
        box=question.these[0].box if len(question.these) == 1 else None,
    )


def picture_field(
    query_id: UUID | None, image: Image | None, role: Literal["", "unlike"] = ""
) -> tuple[str, str]:
    """Return the field and the id of a picture.

    Args:
        query_id: of a kept query, where it is no image.
        image: of the catalogue.
        role: "unlike" where the images should not be like it.
    """
    if image is not None:
        return _UNLIKE_IMAGE if role else _IMAGE, str(image.pk)
    return role or "query", str(query_id)
