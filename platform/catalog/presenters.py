"""How one image is shown."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import get_language, gettext

from catalog.addresses import image_address, page_address
from catalog.labels import label_name
from catalog.models import Image, Region
from catalog.storage import ThumbnailSize
from catalog.validation import MIME_TYPES, WEBP_SIDES_PX
from kernel.messages import sentence

# No browser we support draws these; the page shows the thumbnail and offers the file.
_NOT_DRAWN = frozenset({"heic", "tiff"})


@dataclass(frozen=True, slots=True)
class RegionCard:
    """A panel or an object of an image, and the search with it."""

    name: str
    percent: int | None
    thumbnail_url: str
    thumbnail_srcset: str
    search_url: str


@dataclass(frozen=True, slots=True)
class ImagePage:
    """Everything that an image's own page says; empty strings are left out there."""

    image: Image
    title: str
    picture_url: str
    original_url: str
    search_url: str
    is_drawn: bool
    format: str
    tags: tuple[str, ...]
    albums: tuple[str, ...]
    problem: str
    regions: tuple[RegionCard, ...]


def present_image(image: Image) -> ImagePage:
    """Return the facts of one image for its page."""
    parts = (
        image.regions.exclude(kind=Region.Kind.FULL_IMAGE)
        .exclude(kind=Region.Kind.OBJECT, label="")  # doubtful ones are searched, not shown
        .defer("pdq")
        .order_by("-kind", "ordinal")
    )
    return ImagePage(
        image=image,
        title=str(image),
        picture_url=picture_url(image),
        original_url=original_url(image),
        search_url=similar_url(image),
        is_drawn=is_drawn_by_browsers(image.format),
        format=image.format.upper(),
        tags=tuple(tag.name for tag in image.tags.all()),
        albums=tuple(album.name for album in image.albums.all()),
        problem=sentence(image.error_code) if image.error_code else "",
        regions=tuple(_region_card(image, region) for region in parts),
    )


def _region_card(image: Image, region: Region) -> RegionCard:
    is_object = region.kind == Region.Kind.OBJECT
    number = gettext("Picture {number}").format(number=region.ordinal + 1)
    box = f"{region.x0},{region.y0},{region.x1},{region.y1}"
    return RegionCard(
        name=label_name(region.label, get_language() or "en") if is_object else number,
        percent=round(100 * region.confidence) if is_object else None,
        thumbnail_url=_region_webp_url(region, ThumbnailSize.SMALL),
        thumbnail_srcset=region_thumbnail_srcset(region),
        search_url=similar_url(image, box=box),
    )


def original_url(image: Image) -> str:
    """Return the address of an image's original."""
    return image_address("catalog:original", image.pk)


def picture_url(image: Image) -> str:
    """Return the address of the best that browsers can show of an image."""
    return original_url(image) if is_drawn_by_browsers(image.format) else thumbnail_url(image)


def similar_url(image: Image, **part: str) -> str:
    """Return the address of a search with an image, or with a part of it: ``box="x0,y0,x1,y1"``."""
    return f"{page_address('search:page')}?{urlencode({'image': image.pk, **part})}"


def thumbnail_url(image: Image) -> str:
    """Return the address of an image's thumbnail."""
    return image_address("catalog:thumbnail", image.pk)


def small_thumbnail_url(image: Image) -> str:
    """Return the address of an image's thumbnail for lists."""
    return webp_url(image, ThumbnailSize.SMALL)


def webp_url(image: Image, size: ThumbnailSize) -> str:
    """Return the address of an image's thumbnail of a size, a WebP."""
    return image_address("catalog:webp_thumbnail", image.pk, str(size))


def thumbnail_srcset(image: Image) -> str:
    """Return the addresses of an image's thumbnails, each for its density of pixels on a screen."""
    medium = webp_url(image, ThumbnailSize.MEDIUM)
    if max(image.width, image.height) <= WEBP_SIDES_PX[ThumbnailSize.MEDIUM]:
        return medium
    return f"{medium} 1x, {webp_url(image, ThumbnailSize.LARGE)} 2x"


def region_thumbnail_srcset(region: Region) -> str:
    """Return the addresses of a panel's or object's thumbnails, as `thumbnail_srcset`."""
    small = _region_webp_url(region, ThumbnailSize.SMALL)
    sides = (region.x1 - region.x0, region.y1 - region.y0)
    if max(sides) <= WEBP_SIDES_PX[ThumbnailSize.SMALL]:
        return small
    return f"{small} 1x, {_region_webp_url(region, ThumbnailSize.MEDIUM)} 2x"


def _region_webp_url(region: Region, size: ThumbnailSize) -> str:
    args = (region.image_id, str(region.key), str(size))
    return reverse("catalog:region_webp_thumbnail", args=args)


def region_thumbnail_url(region: Region) -> str:
    """Return the address of a region's JPEG; the full image's is that of its image."""
    if region.kind == Region.Kind.FULL_IMAGE:
        return image_address("catalog:thumbnail", region.image_id)
    return reverse("catalog:region_thumbnail", args=(region.image_id, str(region.key)))


def is_drawn_by_browsers(format_name: str) -> bool:
    """Return whether a browser can show an original of this format."""
    return format_name not in _NOT_DRAWN


def file_name(image: Image) -> str:
    """Return the name under which a person saves the original."""
    stem = str(image)
    ending = "jpg" if image.format == "jpeg" else image.format
    return stem if stem.lower().endswith((f".{ending}", f".{image.format}")) else f"{stem}.{ending}"


def mime_type(image: Image) -> str:
    """Return the original's type, as the decoder found it and not as its name claims."""
    return MIME_TYPES[image.format]
