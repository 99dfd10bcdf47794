"""Images: listed, read, and their files."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Query, Router

from api.answers import respond
from api.cursors import page_of
from api.image_lists import list_images, with_parts
from api.schemas.base import DEFAULT_LIMIT, Cursor, Limit, chosen_fields
from api.schemas.images import (
    ImageFields,
    ImageFilters,
    ImageJson,
    ImagesJson,
    image_json,
)
from api.security import Needs, Scope
from catalog import views
from catalog.selectors import list_visible_images
from catalog.visibility import list_albums

router = Router(tags=["images"])
READS = Needs(Scope.IMAGES_READ, admits_visitors=True)
_FILE = {"responses": {200: {"content": {"image/*": {"schema": {"type": "string"}}}}}}


@router.get("/images", url_name="images", auth=READS, response=ImagesJson)
def images(
    request: HttpRequest,
    filters: Query[ImageFilters],
    fields: ImageFields = "",
    cursor: Cursor = "",
    limit: Limit = DEFAULT_LIMIT,
) -> HttpResponse:
    """List the images that you may see, the newest first."""
    chosen = chosen_fields(fields, set(ImageJson.model_fields))
    found = with_parts(list_images(filters, request.user))
    page, next_cursor = page_of(found, cursor, limit)
    albums = set(list_albums(request.user).values_list("pk", flat=True))
    items = [image_json(image, albums=albums) for image in page]
    include = None if chosen is None else {"items": {"__all__": chosen}, "next_cursor": True}
    return respond(ImagesJson(items=items, next_cursor=next_cursor), include=include)


@router.get("/images/{uuid:image_id}", url_name="image", auth=READS, response=ImageJson)
def read_image(request: HttpRequest, image_id: UUID, fields: ImageFields = "") -> HttpResponse:
    """Read one image."""
    chosen = chosen_fields(fields, set(ImageJson.model_fields))
    image = get_object_or_404(with_parts(list_visible_images(request.user)), pk=image_id)
    albums = set(list_albums(request.user).values_list("pk", flat=True))
    return respond(image_json(image, albums=albums), include=chosen)


@router.get(
    "/images/{uuid:image_id}/original", url_name="original", auth=READS, openapi_extra=_FILE
)
def read_original(request: HttpRequest, image_id: UUID) -> HttpResponse:
    """Read the file as it was taken in."""
    return views.original(request, image_id)


@router.get(
    "/images/{uuid:image_id}/thumbnail", url_name="thumbnail", auth=READS, openapi_extra=_FILE
)
def read_thumbnail(request: HttpRequest, image_id: UUID) -> HttpResponse:
    """Read a JPEG of at most 400 pixels a side."""
    return views.thumbnail(request, image_id)
