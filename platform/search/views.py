"""The search page: form → service → presenter."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.formats import number_format
from django.views.decorators.http import require_http_methods

from catalog.access import searchers_only
from catalog.models import Image
from catalog.responses import error_json, mark, present_error, wants_json
from catalog.selectors import count_by_status
from kernel.errors import AppError, DefectError
from search import services
from search.forms import QueryForm
from search.presenters import as_json, present_result


@require_http_methods(["GET", "HEAD", "POST"])
@searchers_only
def page(request: HttpRequest) -> HttpResponse:
    """Ask for a picture, and answer with the images that are most like it."""
    if request.method != "POST":
        return _render(request)
    try:
        query = QueryForm(request.POST, request.FILES).read()
        result = services.search(query.data, name=query.name)
    except DefectError:
        raise  # not the form's affair: the error page says it
    except AppError as error:
        return _refuse(request, error)
    answer = present_result(result, query_name=query.name)
    if wants_json(request):
        return JsonResponse(as_json(answer))
    return _render(request, result=answer)


def _refuse(request: HttpRequest, error: AppError) -> HttpResponse:
    problem = present_error(error)
    if wants_json(request):
        return error_json(problem)
    return mark(_render(request, problem=problem), problem)


def _render(request: HttpRequest, **context: Any) -> HttpResponse:
    counts = count_by_status()
    searchable = counts[Image.Status.INDEXED]
    context |= {
        "searchable": searchable,
        "searchable_shown": number_format(searchable, force_grouping=True),
        "waiting": counts[Image.Status.QUEUED],
    }
    return render(request, "search/page.html", context)
