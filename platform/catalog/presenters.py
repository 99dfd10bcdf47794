"""How one image is shown."""

from dataclasses import dataclass

from django.urls import reverse

from catalog.models import Image
from catalog.validation import MIME_TYPES
from kernel.messages import sentence

# No browser we support draws these; the page shows the thumbnail and offers the file.
_NOT_DRAWN = frozenset({"heic", "tiff"})


@dataclass(frozen=True, slots=True)
class ImagePage:
    """Everything that an image's own page says; empty strings are left out there."""

    image: Image
    title: str
    picture_url: str
    original_url: str
    is_drawn: bool
    format: str
    tags: tuple[str, ...]
    albums: tuple[str, ...]
    problem: str


def present_image(image: Image) -> ImagePage:
    """Return the facts of one image for its page."""
    original_url = reverse("catalog:original", args=(image.pk,))
    is_drawn = is_drawn_by_browsers(image.format)
    return ImagePage(
        image=image,
        title=str(image),
        picture_url=original_url if is_drawn else thumbnail_url(image),
        original_url=original_url,
        is_drawn=is_drawn,
        format=image.format.upper(),
        tags=tuple(tag.name for tag in image.tags.all()),
        albums=tuple(album.name for album in image.albums.all()),
        problem=sentence(image.error_code) if image.error_code else "",
    )


def thumbnail_url(image: Image) -> str:
    """Return the address of an image's thumbnail."""
    return reverse("catalog:thumbnail", args=(image.pk,))


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
