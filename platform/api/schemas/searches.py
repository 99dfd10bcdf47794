"""A search and its answer, in the shape of `search.presenters.answer_json`."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from api.schemas.base import Box, FilterFields, GivenJson, Text
from ml.rules.layout import Layout
from search.question import Scope, Sort, Wait
from search.verdicts import Verdict

BoxText = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{1,9}(,[0-9]{1,9}){3}$",
        description="search with this part alone: x0,y0,x1,y1 in pixels of the upright picture",
    ),
]
Switch = Literal["", "0", "1"]
Copies = Literal["checked", "pending", "unchecked"]
_IMAGES = "of the catalogue"
_QUERIES = "pictures that were sent within the hour, by the `id` that an answer gave them"
_UNLIKE = "as `query`; what is found should not be like these"
_UNLIKE_IMAGES = "as `image`; what is found should not be like these"
_WORDS = "that what is found should fit, 200 characters at most; for encoders that know words"


class SearchFilters(FilterFields):
    """What of a picture is searched with, and among which images; named as on the page."""

    sure: Switch = Field("", description="1 leaves out objects whose label is doubtful")
    other_media: Switch = Field("", description="1 leaves out images of the picture's own medium")
    scope: list[Scope] = Field([], description="which parts of images may be alike; none is all")
    sort: Sort = Sort.VERDICT
    box: BoxText | None = None
    wait: Wait = Field(
        Wait.PROOFS,
        description="`hits` answers at once by likeness, and says at `proofs_url` where copies are",
    )
    name: Annotated[Text, Field(max_length=200, description="of the picture; only shown")] = ""


class KnownPictures(SearchFilters):
    """What images should be like, and not like: pictures that the site has, and words.

    A picture alone is searched with in all of its parts; several, or words, as one question. The
    pictures are eight at most, with those that are sent.
    """

    image: list[UUID] = Field([], description=_IMAGES)
    query: list[UUID] = Field([], description=_QUERIES)
    unlike: list[UUID] = Field([], description=_UNLIKE)
    unlike_image: list[UUID] = Field([], description=_UNLIKE_IMAGES)
    words: Text = Field("", description=_WORDS)


class PicturesAsked(SearchFilters):
    """The same in JSON, with a picture that the site can fetch."""

    image: UUID | list[UUID] = Field([], description=_IMAGES)
    query: UUID | list[UUID] = Field([], description=_QUERIES)
    unlike: UUID | list[UUID] = Field([], description=_UNLIKE)
    unlike_image: UUID | list[UUID] = Field([], description=_UNLIKE_IMAGES)
    words: Text = Field("", description=_WORDS)
    url: Annotated[Text, Field(max_length=2000)] | None = Field(
        None, description="where a picture is on the web"
    )


class QueryRegionJson(GivenJson):
    """A part of a picture."""

    key: str = Field(description="kind and number: `whole-0`, `panel-3`, `object-1`")
    box: Box
    label: str
    confidence: float


class ImageRegionJson(QueryRegionJson):
    """A part of an image of the catalogue."""

    thumbnail_url: str


class OverlapJson(GivenJson):
    """How a copy lies over the query."""

    inliers: int = Field(description="features that agree")
    is_mirrored: bool
    query_percent: int
    image_percent: int


class CopyJson(GivenJson):
    """The proof that a hit is a copy."""

    bits: int | None = Field(description="of 256 that the two PDQ hashes differ in")
    outline: list[tuple[float, float]] | None = Field(
        description="where the image lies in the query: corners, in its pixels"
    )
    overlap: OverlapJson | None


class HitJson(GivenJson):
    """An image that a part of the picture found."""

    image_id: UUID
    rank: int
    verdict: Verdict
    score: float | None = Field(description="greater is more similar; null where a hash found it")
    probability: float | None = Field(description="that both show the same subject")
    title: str
    url: str = Field(description="its page")
    thumbnail_url: str
    width: int
    height: int
    query_region: QueryRegionJson
    image_region: ImageRegionJson | None
    is_unchecked: bool = Field(description="whether time ran out before it was compared")
    decide_with: str | None = Field(description="`hit` of a decision; for tokens that may decide")
    copy_: CopyJson | None = Field(alias="copy")


class GroupJson(GivenJson):
    """What one part of the picture found, the best first."""

    region: QueryRegionJson
    hits: list[HitJson]
    is_plain: bool = Field(description="whether there is nothing to see in it")
    are_copies_checked: bool


class FacetJson(GivenJson):
    """An object's label, and in how many of the images found it is."""

    label: str
    images: int


class QueryPictureJson(GivenJson):
    """The picture that was searched with."""

    id: UUID | None = Field(description="of an upload: it is kept for an hour")
    image_id: UUID | None = Field(description="where it is an image of the catalogue")
    width: int
    height: int
    layout: Layout
    medium: str
    regions: list[QueryRegionJson]


class FiltersJson(GivenJson):
    """What images had to meet."""

    label: list[str]
    medium: list[str]
    tag: list[str]
    album: list[str]
    owner: list[str]
    licence: list[str]
    folder: list[str]
    added_from: date | None
    added_to: date | None
    min_side: int | None
    max_side: int | None
    sure: bool
    other_media: bool
    scope: list[Scope]


class VerdictCountsJson(GivenJson):
    """How many images were found, each counted once, at the best of its verdicts."""

    identical: int
    near_identical: int = Field(alias="near-identical")
    edited_copy: int = Field(alias="edited-copy")
    shared_design: int = Field(alias="shared-design")
    same_subject: int = Field(alias="same-subject")
    copies: int = Field(description="the first three of them together")
    searched: int = Field(description="images that were searched among")
    may_be_more: bool = Field(description="whether what is shown may not be all")


class AskedPictureJson(GivenJson):
    """One of several pictures that were searched with."""

    id: UUID | None = Field(description="of an upload: it is kept for an hour")
    image_id: UUID | None = Field(description="where it is an image of the catalogue")
    width: int
    height: int


class SeveralHitJson(HitJson):
    """An image that several pictures, or words, found."""

    picture: int | None = Field(
        description="which of `these`, from 0, it is most like or a copy of; null of words alone"
    )


class SeveralJson(GivenJson):
    """The answer to a search with several pictures, or with words: one list of images."""

    these: list[AskedPictureJson] = Field(description="pictures that images should be like")
    unlike: list[AskedPictureJson] = Field(description="pictures that they should not be like")
    words: str
    headline: str = Field(description="what was found, in a sentence; in Accept-Language's")
    filters: FiltersJson
    sort: Sort
    hits: list[SeveralHitJson]
    left_out: int = Field(description="images that are not shown, as copies of `unlike`")
    is_plain: bool = Field(description="whether there is nothing to see in any of `these`")
    facets: list[FacetJson]
    are_copies_checked: bool
    copies: Copies
    proofs_url: str = Field(description="where the same search tells its copies")
    model_ms: float
    total_ms: float


class SearchJson(GivenJson):
    """The answer to a search: one group of images for each part of the picture."""

    query: QueryPictureJson
    headline: str = Field(description="what was found, in a sentence; in Accept-Language's")
    verdict_counts: VerdictCountsJson
    filters: FiltersJson
    sort: Sort
    groups: list[GroupJson]
    facets: list[FacetJson]
    are_copies_checked: bool
    copies: Copies
    proofs_url: str = Field(description="where the same search tells its copies")
    model_ms: float
    total_ms: float
