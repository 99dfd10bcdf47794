"""An image of the catalogue as programs get it, and what they say of one."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.urls import reverse
from pydantic import ConfigDict, Field

from api.schemas.base import Box, GivenJson, TakenJson, Text
from catalog.models import Image, Region


class RegionJson(GivenJson):
    """A part of an image that is searched: all of it, a panel, an object."""

    key: str
    box: Box
    label: str
    confidence: float


def _only_id_is_promised(schema: dict[str, Any]) -> None:
    schema["required"] = ["id"]  # with `fields`, the rest is what was asked for


class ImageJson(GivenJson):
    """An image; with `fields`, only those members and `id`."""

    model_config = ConfigDict(json_schema_extra=_only_id_is_promised)

    id: UUID
    title: str
    description: str
    status: Image.Status
    error_code: str
    medium: Image.Medium
    format: str
    width: int = Field(description="of the upright picture, in pixels")
    height: int
    file_bytes: int
    is_damaged: bool
    sha256: str
    owner: str
    licence: str
    rights: str
    creator: str
    credit: str
    usage_terms: str
    licensor: str
    taken_at: str = Field(description="ISO 8601, with a zone where the picture names one")
    tags: list[str]
    albums: list[str] = Field(description="that you may know of")
    created_at: datetime
    indexed_at: datetime | None
    url: str = Field(description="its page")
    original_url: str
    thumbnail_url: str
    regions: list[RegionJson]


ImageFields = Annotated[
    str,
    Field(
        max_length=500,
        description="only these members, divided by commas: `id,title,tags`",
    ),
]


class ImagesJson(GivenJson):
    """A page of images, the newest first."""

    items: list[ImageJson]
    next_cursor: str | None = Field(description="null at the end")


class ImageFilters(TakenJson):
    """Which images; each that is given narrows them down. Named as on the search page."""

    q: Annotated[Text, Field(max_length=300, description="words of titles, tags, …")] = ""
    status: Image.Status | None = None
    label: list[Text] = Field([], description="with any of these objects in them")
    medium: list[Image.Medium] = Field([])
    tag: list[Text] = Field([], description="with any of these tags")
    album: list[Text] = Field([], description="in any of these albums")
    owner: list[Text] = Field([])
    licence: list[Text] = Field([])
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None


def image_json(image: Image, *, albums: set[int]) -> ImageJson:
    """Return an image whose tags, albums and regions were read.

    Args:
        image: the image.
        albums: ids of those that the caller may know of.
    """
    texts = {
        name: getattr(image, name)
        for name in ImageJson.model_fields
        if name not in _MADE and name != "id"
    }
    return ImageJson(
        id=image.pk,
        tags=sorted(tag.name for tag in image.tags.all()),
        albums=sorted(album.name for album in image.albums.all() if album.pk in albums),
        url=image.get_absolute_url(),
        original_url=reverse("api:original", args=(image.pk,)),
        thumbnail_url=reverse("api:thumbnail", args=(image.pk,)),
        regions=[_region_json(region) for region in image.regions.all()],
        **texts,
    )


_MADE = frozenset({"tags", "albums", "url", "original_url", "thumbnail_url", "regions"})


def _region_json(region: Region) -> RegionJson:
    return RegionJson(
        key=str(region.key),
        box=[region.x0, region.y0, region.x1, region.y1],
        label=region.label,
        confidence=region.confidence,
    )
