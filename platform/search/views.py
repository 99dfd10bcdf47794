"""The search page: form → service → presenter."""

import logging
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.formats import number_format
from django.views.decorators.http import require_http_methods, require_safe

from catalog.selectors import count_findable_and_waiting
from catalog.validation import preview
from kernel.errors import AppError, DefectError, FileMissing, UserInputError
from search import query_files, services
from search.forms import QueryForm, is_asked
from search.in_flight import search_slot, timed
from search.limits import take_kept
from search.presenters.answer_json import as_json
from search.presenters.page import present_result
from site_http.access import searchers_only
from site_http.bodies import takes_files
from site_http.limits import Limited, at_once, take
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

    An address may name an image of the catalogue or a query that is still kept.
    """
    if request.method != "POST" and (request.method == "HEAD" or not is_asked(request.GET)):
        return _render(request)
    try:
        with timed() as search, at_once(request, Limited.SEARCHES), search_slot():
            take(request, Limited.SEARCHES)
            question = QueryForm(request.POST or request.GET, request.FILES).read(request.user)
            take_kept(request, question)
            search.wait = question.wait
            result = services.search(question, request.user)
    except DefectError:
        raise  # not the form's affair: the error page says it
    except AppError as error:
        return _refuse(request, error)
    if wants_json(request):
        return JsonResponse(as_json(result))
    return _render(request, result=present_result(result, query_name=question.name))


@require_safe
@searchers_only
def query_preview(request: HttpRequest, query_id: UUID) -> HttpResponse:
    """Return a query picture as a JPEG that every browser draws; 404 when it is no longer kept."""
    try:
        jpeg = preview(query_files.read(query_id), side_px=_PREVIEW_SIDE_PX)
    except (FileMissing, UserInputError) as error:
        raise Http404 from error
    response = HttpResponse(jpeg, content_type="image/jpeg")
    response["Cache-Control"] = f"private, max-age={_PREVIEW_S}, immutable"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _refuse(request: HttpRequest, error: AppError) -> HttpResponse:
    logger.warning("search refused", extra={"code": error.code, "context": error.context})
    problem = present_error(error)
    if wants_json(request):
        return error_json(problem)
    return mark(_render(request, problem=problem), problem)


def _render(request: HttpRequest, **context: Any) -> HttpResponse:
    searchable, waiting = count_findable_and_waiting(request.user)
    context |= {
        "searchable": searchable,
        "searchable_shown": number_format(searchable, force_grouping=True),
        "waiting": waiting,
    }
    return render(request, "search/page.html", context)
