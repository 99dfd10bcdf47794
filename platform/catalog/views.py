"""An image's own page, and its files."""

from contextlib import suppress
from dataclasses import replace
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from catalog import storage
from catalog.models import Image
from catalog.presenters import file_name, is_drawn_by_browsers, mime_type, present_image
from catalog.selectors import list_visible_images
from catalog.validation import shrink_thumbnail
from kernel.errors import FileMissing
from site_http.access import searchers_only
from site_http.responses import answer, present_error

_HOUR_S = 3600
_YEAR_S = 365 * 24 * _HOUR_S


@require_safe
@searchers_only
def image_page(request: HttpRequest, image_id: UUID) -> HttpResponse:
    """Show one image and what is known of it."""
    image = _visible(image_id)
    return render(request, "catalog/image.html", {"page": present_image(image)})


@require_safe
@searchers_only
def thumbnail(request: HttpRequest, image_id: UUID) -> HttpResponse:
    """Return the thumbnail, a JPEG."""
    image = _visible(image_id)
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
    image = _visible(image_id)
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
    image = _visible(image_id)
    region = next((one.key for one in image.regions.all() if str(one.key) == key), None)
    if region is None:
        raise Http404
    return _file(
        request,
        storage.region_thumbnail_name(image.sha256, region),
        etag=None,  # a later indexing may find another region of that number
        headers={"Content-Type": "image/jpeg"},
    )


@require_safe
@searchers_only
def original(request: HttpRequest, image_id: UUID) -> HttpResponse:
    """Return the file as it was taken in; what browsers cannot draw is offered for saving."""
    image = _visible(image_id)
    disposition = content_disposition_header(
        as_attachment=not is_drawn_by_browsers(image.format), filename=file_name(image)
    )
    return _file(
        request,
        storage.original_name(image.sha256),
        etag=f'"{image.sha256}"',
        headers={"Content-Type": mime_type(image), "Content-Disposition": disposition or "inline"},
    )


def _visible(image_id: UUID) -> Image:
    return get_object_or_404(list_visible_images(), pk=image_id)


def _file(
    request: HttpRequest, name: str, *, etag: str | None, headers: dict[str, str]
) -> HttpResponse:
    """Answer with a stored file, or 304; with an etag, the address never changes its content."""
    response = None if etag is None else get_conditional_response(request, etag=etag)
    if response is None:
        try:
            response = HttpResponse(storage.read(name), headers=headers)
        except FileMissing as error:  # the row outlived it
            return answer(request, replace(present_error(error), status=404))
    reach = "private" if settings.SEARCH_REQUIRES_LOGIN else "public"
    if etag is None:
        response["Cache-Control"] = f"{reach}, max-age={_HOUR_S}"
    else:
        response["Cache-Control"] = f"{reach}, max-age={_YEAR_S}, immutable"
        response["ETag"] = etag
    response["X-Content-Type-Options"] = "nosniff"
    return response
