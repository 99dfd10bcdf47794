"""A search and its answer, in the shape of `search.presenters.answer_json`."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from api.schemas.base import Box, GivenJson, TakenJson, Text
from ml.rules.layout import Layout
from search.question import Wait
from search.verdicts import Verdict

BoxText = Annotated[
    str,
    Field(
        pattern=r"^\d{1,9}(,\d{1,9}){3}$",
        description="search with this part alone: x0,y0,x1,y1 in pixels of the upright picture",
    ),
]
Labels = Annotated[list[Text], Field(description="only images with any of these objects in them")]


class SearchFilters(TakenJson):
    """What of a picture is searched with, and among which images; named as on the page."""

    box: BoxText | None = None
    label: Labels = Field([])
    wait: Wait = Field(
        Wait.PROOFS,
        description="`hits` answers at once by likeness, and says at `proofs_url` where copies are",
    )
    name: Annotated[Text, Field(max_length=200, description="of the picture; only shown")] = ""


class KnownPicture(SearchFilters):
    """A picture that the site has: of the catalogue, or one that was searched with before."""

    image: UUID | None = Field(None, description="an image of the catalogue")
    query: UUID | None = Field(None, description="`query.id` of an answer of the last hour")


class PictureAsked(KnownPicture):
    """A picture that the site has, or can fetch: one of the three."""

    url: Annotated[Text, Field(max_length=2000)] | None = Field(
        None, description="where the picture is on the web"
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
    """The picture that was searched with; it is kept for an hour."""

    id: UUID
    width: int
    height: int
    layout: Layout
    regions: list[QueryRegionJson]


class SearchJson(GivenJson):
    """The answer to a search: one group of images for each part of the picture."""

    query: QueryPictureJson
    groups: list[GroupJson]
    facets: list[FacetJson]
    are_copies_checked: bool
    copies: Literal["checked", "pending", "unchecked"]
    proofs_url: str = Field(description="where the same search tells its copies")
    model_ms: float
    total_ms: float
