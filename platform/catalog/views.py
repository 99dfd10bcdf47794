"""An image's own page, and its files."""

from collections.abc import Callable, Mapping
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
from catalog.storage import REGION_SIZES, ThumbnailSize
from catalog.thumbnails import read_webp
from kernel.errors import FileMissing
from kernel.messages import sentence
from kernel.regions import RegionKey
from site_http.access import searchers_only
from site_http.ranges import RangeNotSatisfiable, asked_range
from site_http.responses import Problem, answer, present_error
from site_http.vary import same_for_all


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
        lambda: storage.read(storage.thumbnail_name(image.sha256)),
        etag=f'"{image.sha256}-thumbnail"',
        headers={"Content-Type": "image/jpeg"},
    )


@require_safe
@searchers_only
def webp_thumbnail(request: HttpRequest, image_id: UUID, size: str) -> HttpResponse:
    """Return a thumbnail for pages, a WebP: made of the JPEG at first, and kept."""
    if size not in set(ThumbnailSize):
        raise Http404
    image = _visible(request, image_id, "sha256")
    return _file(
        request,
        lambda: read_webp(image.sha256, ThumbnailSize(size)),
        etag=f'"{image.sha256}-{size}"',
        headers={"Content-Type": "image/webp"},
    )


@require_safe
@searchers_only
def region_thumbnail(request: HttpRequest, image_id: UUID, key: str) -> HttpResponse:
    """Return the thumbnail of a panel or an object, a JPEG; `key` is such as "panel-3"."""
    image, region = _visible_region(request, image_id, key)
    return _file(
        request,
        lambda: storage.read(storage.region_thumbnail_name(image.sha256, region)),
        etag=_region_etag(image, region),
        headers={"Content-Type": "image/jpeg"},
    )


@require_safe
@searchers_only
def region_webp_thumbnail(
    request: HttpRequest, image_id: UUID, key: str, size: str
) -> HttpResponse:
    """Return the thumbnail of a panel or an object for pages, a WebP; as `webp_thumbnail`."""
    if size not in REGION_SIZES:
        raise Http404
    image, region = _visible_region(request, image_id, key)
    return _file(
        request,
        lambda: read_webp(image.sha256, ThumbnailSize(size), region),
        etag=_region_etag(image, region, size),
        headers={"Content-Type": "image/webp"},
    )


def _visible_region(request: HttpRequest, image_id: UUID, key: str) -> tuple[Image, RegionKey]:
    image = _visible(request, image_id, "sha256", "indexed_at")
    kind, _, ordinal = key.rpartition("-")
    if not ordinal.isdecimal():
        raise Http404
    regions = image.regions.only("image", "kind", "ordinal")
    return image, get_object_or_404(regions, kind=kind, ordinal=ordinal).key


def _region_etag(image: Image, region: RegionKey, size: str = "") -> str:
    # A later indexing may find another region of that number.
    indexed = image.indexed_at and image.indexed_at.timestamp()
    return f'"{"-".join(filter(None, [image.sha256, str(region), size, str(indexed)]))}"'


@require_safe
@searchers_only
def original(request: HttpRequest, image_id: UUID) -> HttpResponse:
    """Return the file as it was taken in, or the part of it that is asked for.

    What browsers cannot draw is offered for saving.
    """
    image = _visible(request, image_id, "sha256", "format", "title", "file_bytes")
    response = _original_response(request, image)
    is_sent = response.status_code in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}
    # The API has HEAD answered as GET: `method` says so to its endpoints.
    is_read = request.META["REQUEST_METHOD"] == "GET"
    if is_sent and is_read and request.user.is_authenticated:
        audit_log.record(AuditEntry.Action.DOWNLOADED, image, actor_id=request.user.pk)
    return response


def _original_response(request: HttpRequest, image: Image) -> HttpResponse:
    """Answer with an original: 200, 206, 304, 404, 412 or 416."""
    name, etag, size = storage.original_name(image.sha256), f'"{image.sha256}"', image.file_bytes
    disposition = content_disposition_header(
        as_attachment=not is_drawn_by_browsers(image.format), filename=file_name(image)
    )
    headers = {
        "Content-Type": mime_type(image),
        "Content-Disposition": disposition or "inline",
        "Accept-Ranges": "bytes",
    }
    try:
        part = asked_range(request, size=size, etag=etag)
    except RangeNotSatisfiable:
        return _no_such_part(request, size=size, etag=etag)
    if request.method == "HEAD":  # no byte is read for it
        headers["Content-Length"] = str(size)
        return _file(request, lambda: b"", etag=etag, headers=headers)
    if part is None:
        return _file(request, lambda: storage.read(name), etag=etag, headers=headers)
    headers["Content-Range"] = part.header(size)
    response = _file(
        request,
        lambda: storage.read_part(name, part.start, part.end),
        etag=etag,
        headers=headers,
    )
    if response.status_code == HTTPStatus.OK:
        response.status_code = HTTPStatus.PARTIAL_CONTENT
    return response


def _no_such_part(request: HttpRequest, *, size: int, etag: str) -> HttpResponse:
    code = "request:user:no-such-part"
    problem = Problem(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, code, sentence(code))
    response = get_conditional_response(request, etag=etag) or answer(request, problem)
    response["Content-Range"] = f"bytes */{size}"
    return response


def _visible(request: HttpRequest, image_id: UUID, *fields: str) -> Image:
    """Return an image that this person may see; where fields are named, with these alone."""
    return get_object_or_404(list_visible_images(request.user).only(*fields), pk=image_id)


def _file(
    request: HttpRequest, read: Callable[[], bytes], *, etag: str, headers: Mapping[str, str]
) -> HttpResponse:
    """Answer with the file that is read, or 304 without reading it.

    A browser keeps it and asks again each time, and nobody else does: what is deleted, hidden or
    made private is not shown by a cache (ADR 24).
    """
    response = get_conditional_response(request, etag=etag)
    if response is None:
        try:
            response = HttpResponse(read(), headers=headers)
        except FileMissing as error:  # the row outlived it
            return answer(request, replace(present_error(error), status=HTTPStatus.NOT_FOUND))
    response["Cache-Control"] = "private, no-cache"
    response["ETag"] = etag
    return same_for_all(response)
