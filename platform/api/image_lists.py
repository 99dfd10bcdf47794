"""Which images a program lists."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from django.shortcuts import get_object_or_404

from api.bodies import as_fields
from api.schemas.images import ImageFilters
from catalog import services
from catalog.models import Image, Region
from catalog.selectors import list_visible_images
from catalog.text_search import matching
from catalog.visibility import Viewer, sees_paths
from search.conditions import Sought
from search.filter_fields import read_filters


def list_images(asked: ImageFilters, viewer: Viewer) -> QuerySet[Image]:
    """Return the images that fit what is asked, of those that a person may see.

    Raises:
        UserInputError: as `search.filter_fields.read_filters`.
    """
    said = asked.model_dump(mode="json", exclude_none=True)
    filters = read_filters(as_fields(said))
    condition = Sought(filters, viewer, Image.Medium.UNKNOWN, {}).condition
    images = list_visible_images(viewer).filter(condition)
    if asked.status is not None:
        images = images.filter(status=asked.status)
    if asked.sha256 is not None:
        images = images.filter(sha256=asked.sha256)
    if not asked.q:
        return images
    if sees_paths(viewer):
        return matching(images, asked.q)
    return images.filter(title__icontains=asked.q)  # words are of paths, too


def find_with_parts(image_ids: Iterable[UUID], viewer: Viewer) -> dict[UUID, Image]:
    """Return those of these images that a person may see, by id, with their parts."""
    return with_parts(list_visible_images(viewer)).in_bulk(list(image_ids))


def lock_visible_image(image_id: UUID, viewer: Viewer) -> Image:
    """Return an image that a person may see, locked for the transaction that changes it.

    Raises:
        Http404: there is none.
    """
    visible = list_visible_images(viewer).filter(pk=image_id).order_by().values("pk")
    return get_object_or_404(services.locked_images(visible), pk=image_id)


def with_parts(images: QuerySet[Image]) -> QuerySet[Image]:
    """Return the images, to be read with their tags, albums and regions."""
    regions = Prefetch("regions", Region.objects.defer("pdq"))
    return images.prefetch_related("tags", "albums", regions)
