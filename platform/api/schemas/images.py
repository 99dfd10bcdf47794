"""An image of the catalogue as programs get it, and what they say of one."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.urls import reverse
from pydantic import AfterValidator, ConfigDict, Field

from api.schemas.base import Box, FilterFields, GivenJson, ProblemJson, TakenJson, Text
from catalog.models import Image, Region
from ingestion.services import CopyPolicy, KnownPolicy
from kernel.moments import is_moment


class RegionJson(GivenJson):
    """A part of an image that is searched: all of it, a panel, an object."""

    key: str
    box: Box
    label: str
    confidence: float


def _moment(text: str) -> str:
    if text and not is_moment(text):
        raise ValueError("it is no date, such as 2024-05-31 or 2024-05-31T12:00:00+02:00")
    return text


Name = Annotated[Text, Field(min_length=1, max_length=100, pattern=r"\S")]


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
    is_medium_suggested: bool = Field(description="told from the picture; nobody has said it")
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


class AddedFileJson(GivenJson):
    """How one picture that was sent ended."""

    name: str
    result: Literal["added", "duplicates", "restored", "binned", "failed"]
    image: ImageJson | None = Field(description="that it became, or was already")
    problem: ProblemJson | None


class AddedJson(GivenJson):
    """How each picture ended, in the order that they came."""

    import_id: UUID
    results: list[AddedFileJson]


class _Said(TakenJson):
    """What is said of an image."""

    title: Annotated[Text, Field(max_length=300)] = ""
    description: Annotated[Text, Field(max_length=20_000)] = ""
    source: Annotated[Text, Field(max_length=1000)] = ""
    external_id: Annotated[Text, Field(max_length=200)] = ""
    owner: Annotated[Text, Field(max_length=200)] = ""
    licence: Annotated[Text, Field(max_length=200)] = ""
    rights: Annotated[Text, Field(max_length=1000)] = ""
    creator: Annotated[Text, Field(max_length=1000)] = ""
    credit: Annotated[Text, Field(max_length=1000)] = ""
    usage_terms: Annotated[Text, Field(max_length=1000)] = ""
    licensor: Annotated[Text, Field(max_length=1000)] = ""
    taken_at: Annotated[
        Text,
        Field(max_length=32, description="2024-05-31 or 2024-05-31T12:00:00+02:00"),
        AfterValidator(_moment),
    ] = ""


class AddingOptions(_Said):
    """What is said of pictures that are added, and what becomes of known ones and copies."""

    medium: Image.Medium | None = None
    tags: list[Name] = Field([], description="names; who may make tags may name new ones")
    albums: list[Name] = Field([], description="names of albums that you may know of")
    known: KnownPolicy = Field(
        KnownPolicy.SKIP, description="what becomes of pictures that are there already"
    )
    copies: CopyPolicy = Field(
        CopyPolicy.TAKE_IN, description="what becomes of new ones that are copies of others"
    )


class ImageChanges(_Said):
    """What changes: members that you leave out stay as they are; `tags` and `albums` are all."""

    medium: Image.Medium = Image.Medium.UNKNOWN
    tags: Annotated[list[Name], Field(max_length=1000)] = Field([])
    albums: Annotated[list[Name], Field(max_length=1000)] = Field([])


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


class ImageFilters(FilterFields):
    """Which images are listed."""

    q: Annotated[
        Text,
        Field(
            max_length=300, description="words of titles; for staff of all that is said of images"
        ),
    ] = ""
    status: Image.Status | None = None
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
        is_medium_suggested=image.is_medium_suggested,
        url=image.get_absolute_url(),
        original_url=reverse("api:original", args=(image.pk,)),
        thumbnail_url=reverse("api:thumbnail", args=(image.pk,)),
        regions=[_region_json(region) for region in image.regions.all()],
        **texts,
    )


_MADE = frozenset(
    {"is_medium_suggested", "tags", "albums", "url", "original_url", "thumbnail_url", "regions"}
)


def _region_json(region: Region) -> RegionJson:
    return RegionJson(
        key=str(region.key),
        box=[region.x0, region.y0, region.x1, region.y1],
        label=region.label,
        confidence=region.confidence,
    )
