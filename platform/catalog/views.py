"""An image's own page, and its files."""

from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from audit_log import services as audit_log
from audit_log.models import AuditEntry
from catalog import storage
from catalog.models import Image
from catalog.presenters import file_name, is_drawn_by_browsers, mime_type, present_image
from catalog.selectors import list_visible_images
from catalog.validation import shrink_thumbnail
from kernel.errors import FileMissing
from site_http.access import searchers_only
from site_http.responses import answer, present_error


@require_safe
@searchers_only
def image_page(request: HttpRequest, image_id: UUID) -> HttpResponse:
    """Show one image and what is known of it."""
    image = _visible(request, image_id)
    return render(request, "catalog/image.html", {"page": present_image(image)})


@require_safe
@searchers_only
def thumbnail(request: HttpRequest, image_id: UUID) -> HttpResponse:
    """Return the thumbnail, a JPEG."""
    image = _visible(request, image_id, "sha256")
    return _file(
        request,
        storage.thumbnail_name(image.sha256),
        etag=f'"{image.sha256}-thumbnail"',
        headers={"Content-Type": "image/jpeg"},
    )


@require_safe
@searchers_only
def small_thumbnail(request: HttpRequest, image_id: UUID) -> HttpResponse:
    """Return a thumbnail for lists, a WebP: made of the other one at first, and kept."""
    image = _visible(request, image_id, "sha256")
    name = storage.small_thumbnail_name(image.sha256)
    with suppress(FileMissing):  # answered as a file that is not there
        if not storage.exists(name):
            storage.write(
                name, shrink_thumbnail(storage.read(storage.thumbnail_name(image.sha256)))
            )
    return _file(
        request,
        name,
        etag=f'"{image.sha256}-small"',
        headers={"Content-Type": "image/webp"},
    )


@require_safe
@searchers_only
def region_thumbnail(request: HttpRequest, image_id: UUID, key: str) -> HttpResponse:
    """Return the thumbnail of a panel or an object, a JPEG; `key` is such as "panel-3"."""
    image = _visible(request, image_id, "sha256", "indexed_at")
    kind, _, ordinal = key.rpartition("-")
    if not ordinal.isdecimal():
        raise Http404
    regions = image.regions.only("image", "kind", "ordinal")
    region = get_object_or_404(regions, kind=kind, ordinal=ordinal)
    indexed = image.indexed_at and image.indexed_at.timestamp()
    return _file(
        request,
        storage.region_thumbnail_name(image.sha256, region.key),
        # A later indexing may find another region of that number.
        etag=f'"{image.sha256}-{region.key}-{indexed}"',
        headers={"Content-Type": "image/jpeg"},
    )


@require_safe
@searchers_only
def original(request: HttpRequest, image_id: UUID) -> HttpResponse:
    """Return the file as it was taken in; what browsers cannot draw is offered for saving."""
    image = _visible(request, image_id, "sha256", "format", "title")
    disposition = content_disposition_header(
        as_attachment=not is_drawn_by_browsers(image.format), filename=file_name(image)
    )
    response = _file(
        request,
        storage.original_name(image.sha256),
        etag=f'"{image.sha256}"',
        headers={"Content-Type": mime_type(image), "Content-Disposition": disposition or "inline"},
    )
    if response.status_code == HTTPStatus.OK and request.user.is_authenticated:
        audit_log.record(AuditEntry.Action.DOWNLOADED, image, actor_id=request.user.pk)
    return response


def _visible(request: HttpRequest, image_id: UUID, *fields: str) -> Image:
    """Return an image that this person may see; where fields are named, with these alone."""
    return get_object_or_404(list_visible_images(request.user).only(*fields), pk=image_id)


def _file(request: HttpRequest, name: str, *, etag: str, headers: dict[str, str]) -> HttpResponse:
    """Answer with a stored file, or 304 without reading it.

    A browser keeps it and asks again each time, and nobody else does: what is deleted, hidden or
    made private is not shown by a cache (ADR 24).
    """
    response = get_conditional_response(request, etag=etag)
    if response is None:
        try:
            response = HttpResponse(storage.read(name), headers=headers)
        except FileMissing as error:  # the row outlived it
            return answer(request, replace(present_error(error), status=404))
    response["Cache-Control"] = "private, no-cache"
    response["ETag"] = etag
    response["X-Content-Type-Options"] = "nosniff"
    return response
