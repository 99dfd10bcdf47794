"""A person's saved searches: the list, and what changes it."""

from uuid import UUID

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from catalog.validation import THUMBNAIL_SIDE_PX, preview
from kernel.errors import FileMissing, UserInputError
from search import query_files, saved
from search.models import SavedSearch
from search.presenters.saved import present_saved
from site_http.access import account_of, accounts_only

_PAGE_ROWS = 24
_THUMBNAIL_S = 3600


@require_safe
@accounts_only
def saved_searches(request: HttpRequest) -> HttpResponse:
    """List the searches that this person saved."""
    pages = Paginator(saved.list_saved(account_of(request)), _PAGE_ROWS)
    page = pages.get_page(request.GET.get("page"))
    cards = present_saved(page.object_list, request.user)
    return render(request, "search/saved.html", {"page": page, "cards": cards})


@require_POST
@accounts_only
def save(request: HttpRequest) -> HttpResponse:
    """Save a search, and go back to it."""
    found = saved.save_search(
        account_of(request),
        address=request.POST.get("address", ""),
        name=request.POST.get("name", ""),
    )
    return _see_other(f"{found.get_absolute_url()}#saved")


@require_POST
@accounts_only
def rename(request: HttpRequest, search_id: UUID) -> HttpResponse:
    """Give a saved search another name."""
    saved.rename_search(_own(request, search_id), request.POST.get("name", ""))
    return _to_list(request)


@require_POST
@accounts_only
def delete(request: HttpRequest, search_id: UUID) -> HttpResponse:
    """Delete a saved search; its picture expires if nobody else saved it."""
    _own(request, search_id).delete()
    return _to_list(request)


@require_safe
@accounts_only
def thumbnail(request: HttpRequest, search_id: UUID) -> HttpResponse:
    """Return the first upload of a saved search, small, as a JPEG."""
    named = _own(request, search_id).pictures.filter(query_id__isnull=False)
    picture = named.order_by("is_unlike", "pk").first()
    if picture is None or picture.query_id is None:
        raise Http404
    try:
        jpeg = preview(query_files.read(picture.query_id), side_px=THUMBNAIL_SIDE_PX)
    except (FileMissing, UserInputError) as error:
        raise Http404 from error
    response = HttpResponse(jpeg, content_type="image/jpeg")
    response["Cache-Control"] = f"private, max-age={_THUMBNAIL_S}"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _own(request: HttpRequest, search_id: UUID) -> SavedSearch:
    """Return a search that this person saved; others' are not there for them."""
    return get_object_or_404(SavedSearch, pk=search_id, owner=request.user)


def _to_list(request: HttpRequest) -> HttpResponse:
    page = request.POST.get("page", "")
    number = f"?page={page}" if page.isdecimal() else ""
    return _see_other(f"{reverse('search:saved')}{number}")


def _see_other(address: str) -> HttpResponse:
    """Send a browser on, so that reloading sends nothing again."""
    response = HttpResponseRedirect(address)
    response.status_code = 303
    return response
