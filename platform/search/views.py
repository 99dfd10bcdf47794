"""The search page: form → service → presenter."""

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils.cache import get_conditional_response
from django.utils.formats import number_format
from django.views.decorators.http import require_http_methods, require_safe

from catalog import storage
from catalog.selectors import count_findable_and_waiting, knows_words, list_visible_images
from catalog.validation import preview
from kernel.errors import AppError, DefectError, FileMissing, TransientError, UserInputError
from search import asked_pictures, query_files, services, several
from search.asked_pictures import AskedPicture
from search.fetched_pictures import FetchedPicture, fetch_picture
from search.forms import QueryForm, is_asked
from search.in_flight import search_slot, timed
from search.limits import CountedAs, limited_search, take_kept
from search.presenters.addresses import search_address
from search.presenters.answer_json import as_json
from search.presenters.filters import present_filters
from search.presenters.page import fields_of_result, present_result
from search.presenters.question_fields import fields_of_question
from search.presenters.several import present_several, several_json
from search.question import Question, Wait
from search.services import SearchResult
from search.several_form import MAX_WORDS_CHARS, is_several
from site_http.access import searchers_only
from site_http.bodies import takes_files
from site_http.limits import Limited, take
from site_http.responses import error_json, mark, present_error, wants_json

logger = logging.getLogger(__name__)

# Enough to see a screenshot's photos in; small enough to travel.
_PREVIEW_SIDE_PX = 1600
_PREVIEW_S = 3600


@takes_files("UPLOAD_MAX_BYTES")
@require_http_methods(["GET", "HEAD", "POST"])
@searchers_only
def page(request: HttpRequest) -> HttpResponse:
    """Ask for a picture, and answer with the images that are most like it or its parts.

    An address may name an image of the catalogue or a query that is still kept. People who send a
    picture are led to its address, which they can open again, go back to and share; programs are
    answered at once.
    """
    if request.method != "POST" and (request.method == "HEAD" or not is_asked(request.GET)):
        return _render(request)
    try:
        if is_several(request.POST or request.GET, request.FILES):
            return _several(request)
        with timed() as search, limited_search(request, _counted(request)):
            fetched = _fetched(request)
            with search_slot():
                form = QueryForm(request.POST or request.GET, request.FILES, fetched=fetched)
                question = form.read(request.user)
                search.wait = question.wait
                if _leads_on(request):
                    search.leads_on = True
                    return _see_address(asked_pictures.of_question(question), question)
                result = services.search(question, request.user)
    except DefectError:
        raise  # not the form's affair: the error page says it
    except AppError as error:
        return _refuse(request, error)
    if wants_json(request):
        return JsonResponse(as_json(result))
    asked_fields = fields_of_result(result, query_name=question.name)
    images = (hit.image for group in result.groups for hit in group.hits)
    return _render(
        request,
        found=result,
        result=present_result(result, query_name=question.name),
        filters=present_filters(
            asked_fields, images, request.user, query_medium=result.query_medium
        ),
        asked_fields=asked_fields,
    )


def _leads_on(request: HttpRequest) -> bool:
    """Return whether a search is answered with its address: who asks is a person with a form."""
    return request.method == "POST" and not wants_json(request)


def _counted(request: HttpRequest) -> CountedAs:
    return CountedAs.SENT if _leads_on(request) else CountedAs.SEARCH


def _fetched(request: HttpRequest) -> FetchedPicture | None:
    """Return the picture whose address a form says, and no link: no page has the site fetch."""
    url = request.POST.get("url", "").strip()
    if not url or request.FILES.get("picture"):
        return None
    take(request, Limited.FETCHES)
    fetched = fetch_picture(url)
    take_kept(request, len(fetched.data))
    return fetched


def _see_address(asked: AskedPicture, question: Question) -> HttpResponse:
    """Lead a person who sent a picture to the search with it."""
    address = search_address(
        asked,
        name=question.name,
        box=question.box,
        filters=question.filters,
        sort=question.sort,
        wait=None if question.wait is Wait.PROOFS else question.wait,
    )
    return _see_other(address)


def _several(request: HttpRequest) -> HttpResponse:
    """Answer what is asked with several pictures, or with words, as `page` does with one."""
    with timed() as search, limited_search(request, _counted(request)), search_slot():
        form = QueryForm(request.POST or request.GET, request.FILES)
        question = form.read_several(request.user)
        search.wait = question.wait
        if _leads_on(request):
            search.leads_on = True
            wait = None if question.wait is Wait.PROOFS else question.wait
            return _see_other(fields_of_question(question).url(wait))
        result = several.search(question, request.user)
    if wants_json(request):
        return JsonResponse(several_json(result))
    asked_fields = fields_of_question(question)
    return _render(
        request,
        several=present_several(result),
        filters=present_filters(
            asked_fields, (hit.image for hit in result.group.hits), request.user
        ),
        asked_fields=asked_fields,
    )


def _see_other(address: str) -> HttpResponse:
    response = HttpResponseRedirect(address)
    response.status_code = HTTPStatus.SEE_OTHER
    return response


@require_safe
@searchers_only
def query_preview(request: HttpRequest, query_id: UUID) -> HttpResponse:
    """Return a query picture as a JPEG that every browser draws; 404 when it is no longer kept."""
    response = _preview(lambda: query_files.read(query_id))
    response["Cache-Control"] = f"private, max-age={_PREVIEW_S}, immutable"
    return response


@require_safe
@searchers_only
def image_preview(request: HttpRequest, image_id: UUID) -> HttpResponse:
    """Return an image of the catalogue in the same way, to who may see it."""
    images = list_visible_images(request.user).only("sha256")
    sha256 = get_object_or_404(images, pk=image_id).sha256
    etag = f'"{sha256}-preview"'
    response = get_conditional_response(request, etag=etag)
    if response is None:
        response = _preview(lambda: storage.read(storage.original_name(sha256)))
    # Asked for again each time: what is deleted or made private is not shown by a cache (ADR 24).
    response["Cache-Control"] = "private, no-cache"
    response["ETag"] = etag
    return response


def _preview(read: Callable[[], bytes]) -> HttpResponse:
    try:
        jpeg = preview(read(), side_px=_PREVIEW_SIDE_PX)
    except (FileMissing, UserInputError) as error:
        raise Http404 from error
    response = HttpResponse(jpeg, content_type="image/jpeg")
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _refuse(request: HttpRequest, error: AppError) -> HttpResponse:
    logger.warning("search refused", extra={"code": error.code, "context": error.context})
    problem = present_error(error)
    if wants_json(request):
        return error_json(problem)
    # What is away for a moment is asked for again at the same address.
    is_worth_it = request.method == "GET" and isinstance(error, TransientError)
    again_url = request.get_full_path() if is_worth_it else ""
    return mark(_render(request, problem=problem, again_url=again_url), problem)


def _render(
    request: HttpRequest, *, found: SearchResult | None = None, **context: Any
) -> HttpResponse:
    if found is None:
        searchable, waiting = count_findable_and_waiting(request.user)
        takes_words = knows_words()
    else:
        searchable, waiting = found.searched, found.waiting
        takes_words = bool(found.version.knows_words)
    context |= {
        "searchable": searchable,
        "searchable_shown": number_format(searchable, force_grouping=True),
        "waiting": waiting,
        "may_fetch": bool(settings.SEARCH_FETCHES_IN_FLIGHT),
        "knows_words": takes_words,
        "max_words_chars": MAX_WORDS_CHARS,
    }
    return render(request, "search/page.html", context)
