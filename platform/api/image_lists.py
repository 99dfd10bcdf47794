"""Which images a program lists."""

from django.db.models import Prefetch, QuerySet

from api.schemas.images import ImageFilters
from catalog.models import Image, Region
from catalog.selectors import list_visible_images
from catalog.text_search import matching
from catalog.visibility import Viewer, list_albums, list_tags


def list_images(asked: ImageFilters, viewer: Viewer) -> QuerySet[Image]:
    """Return the images that fit what is asked, of those that a person may see."""
    images = list_visible_images(viewer)
    equal = {"status": asked.status, "sha256": asked.sha256}
    images = images.filter(**{name: value for name, value in equal.items() if value is not None})
    among = {"medium": asked.medium, "owner": asked.owner, "licence": asked.licence}
    images = images.filter(**{f"{name}__in": values for name, values in among.items() if values})
    if asked.label:
        labelled = Region.objects.exclude(label="").filter(label__in=asked.label)
        images = images.filter(pk__in=labelled.order_by().values("image"))
    if asked.tag:
        tags = list_tags(viewer).filter(name__in=asked.tag)
        tagged = Image.tags.through.objects.filter(tag__in=tags.order_by())
        images = images.filter(pk__in=tagged.values("image"))
    if asked.album:
        albums = list_albums(viewer).filter(name__in=asked.album)
        inside = Image.albums.through.objects.filter(album__in=albums.order_by())
        images = images.filter(pk__in=inside.values("image"))
    return matching(images, asked.q) if asked.q else images


def with_parts(images: QuerySet[Image]) -> QuerySet[Image]:
    """Return the images, to be read with their tags, albums and regions."""
    regions = Prefetch("regions", Region.objects.defer("pdq"))
    return images.prefetch_related("tags", "albums", regions)
