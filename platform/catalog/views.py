"""An image's own page, and its files."""

from dataclasses import replace
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from catalog import storage
from catalog.access import searchers_only
from catalog.models import Image
from catalog.presenters import file_name, is_drawn_by_browsers, mime_type, present_image
from catalog.responses import mark, present_error
from catalog.selectors import list_visible_images
from kernel.errors import DefectError

_YEAR_S = 365 * 24 * 3600


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


def _file(request: HttpRequest, name: str, *, etag: str, headers: dict[str, str]) -> HttpResponse:
    """Answer with a stored file, or 304; an address never changes its content."""
    response = get_conditional_response(request, etag=etag)
    if response is None:
        try:
            response = HttpResponse(storage.read(name), headers=headers)
        except DefectError as error:  # the row outlived its file
            problem = replace(present_error(error), status=404)
            return mark(render(request, "error.html", {"problem": problem}), problem)
    reach = "private" if settings.SEARCH_REQUIRES_LOGIN else "public"
    response["Cache-Control"] = f"{reach}, max-age={_YEAR_S}, immutable"
    response["ETag"] = etag
    response["X-Content-Type-Options"] = "nosniff"
    return response
