"""Images: listed, read, added, changed, moved to the bin; and their files."""

from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from ninja import Query, Router

from api.adding import add_sent_pictures
from api.answers import etag_of, respond
from api.bodies import binary_body, read_body
from api.cursors import page_of
from api.idempotency import idempotent
from api.image_lists import list_images, lock_visible_image, with_parts
from api.named_rows import known_albums, known_tags
from api.preconditions import check_if_match
from api.schemas.base import DEFAULT_LIMIT, Cursor, Limit, chosen_fields
from api.schemas.images import (
    AddedJson,
    AddingOptions,
    ImageChanges,
    ImageFields,
    ImageFilters,
    ImageJson,
    ImagesJson,
    image_json,
)
from api.security import Needs, Scope
from catalog import services, views
from catalog.models import Image
from catalog.selectors import list_visible_images
from catalog.visibility import Viewer, list_albums
from ingestion.services import KnownPolicy

router = Router(tags=["images"])
READS = Needs(Scope.IMAGES_READ, admits_visitors=True)
ADDS = Needs(Scope.IMAGES_WRITE, "catalog.add_image")
CHANGES = Needs(Scope.IMAGES_WRITE, "catalog.change_image", is_of_admin=True)
DELETES = Needs(Scope.IMAGES_WRITE, "catalog.delete_image", is_of_admin=True)
_FIELD = "file"
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
    page, next_cursor = page_of(with_parts(list_images(filters, request.user)), cursor, limit)
    albums = set(list_albums(request.user).values_list("pk", flat=True))
    items = [image_json(image, albums=albums) for image in page]
    include = None if chosen is None else {"items": {"__all__": chosen}, "next_cursor": True}
    return respond(ImagesJson(items=items, next_cursor=next_cursor), include=include)


@router.post(
    "/images",
    auth=ADDS,
    response={200: AddedJson, 201: AddedJson},
    openapi_extra=binary_body(_FIELD),
)
@idempotent
def add_images(request: HttpRequest, options: Query[AddingOptions]) -> HttpResponse:
    """Add pictures: files of a form, or the bytes of one as they are.

    What is said of them stands in the address. 201 says that some are new, 200 that all of them
    were there already. A single picture that is refused is a problem; of several, each has its own
    result. Who has pictures that are there already be changed (`known`) needs what changing them
    asks for.
    """
    if options.known is not KnownPolicy.SKIP:
        CHANGES.check_permission(request.user, CHANGES.permission)
    sent = read_body(request, file_field=_FIELD)
    added = add_sent_pictures(sent.files.getlist(_FIELD), options, request)
    is_new = any(each.result == "added" for each in added.results)
    return respond(added, status=201 if is_new else 200, headers=_location(added))


@router.get("/images/{uuid:image_id}", url_name="image", auth=READS, response=ImageJson)
def read_image(request: HttpRequest, image_id: UUID, fields: ImageFields = "") -> HttpResponse:
    """Read one image."""
    chosen = chosen_fields(fields, set(ImageJson.model_fields))
    image = get_object_or_404(with_parts(list_visible_images(request.user)), pk=image_id)
    shape = _shape(image, request.user)
    return respond(shape, include=chosen, headers={"ETag": etag_of(shape)})


@router.patch("/images/{uuid:image_id}", auth=CHANGES, response=ImageJson)
def change_image(request: HttpRequest, image_id: UUID, changes: ImageChanges) -> HttpResponse:
    """Change what is said of an image: the members that you send, and nothing else."""
    said = changes.model_dump(exclude_unset=True)
    with transaction.atomic():
        image = lock_visible_image(image_id, request.user)
        check_if_match(request, lambda: etag_of(_shape(image, request.user)))
        if "tags" in said:
            said["tags"] = known_tags(said["tags"], request.user)
        if "albums" in said:
            said["albums"] = known_albums(said["albums"], request.user)
        services.edit_image(image, said, by_id=request.user.pk)
    return read_image(request, image_id)


@router.delete("/images/{uuid:image_id}", auth=DELETES, response={204: None})
def delete_image(request: HttpRequest, image_id: UUID) -> HttpResponse:
    """Move an image to the bin: it shows nowhere any more, and can be restored from there."""
    with transaction.atomic():
        image = lock_visible_image(image_id, request.user)
        check_if_match(request, lambda: etag_of(_shape(image, request.user)))
        services.move_to_bin(Image.objects.filter(pk=image.pk), by_id=request.user.pk)
    return HttpResponse(status=204)


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


def _shape(image: Image, viewer: Viewer) -> ImageJson:
    return image_json(image, albums=set(list_albums(viewer).values_list("pk", flat=True)))


def _location(added: AddedJson) -> dict[str, str]:
    (first, *others) = added.results
    if others or first.image is None:
        return {}
    return {"Location": reverse("api:image", args=(first.image.id,))}
