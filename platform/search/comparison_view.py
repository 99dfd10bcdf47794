"""The addresses that say more of a hit: one for the page's own script, and a page without."""

import logging

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from catalog.selectors import list_visible_images
from kernel.errors import AppError, DefectError, UserInputError
from search import comparing, services
from search.forms import QueryForm
from search.in_flight import search_slot, timed
from search.limits import CountedAs, limited_search
from search.presenters.compared import present_compared
from search.presenters.evidence import as_evidence
from site_http.access import searchers_only
from site_http.responses import answer, error_json, present_error

logger = logging.getLogger(__name__)

_MAX_ORDINAL = 10_000


class ComparisonForm(forms.Form):
    """Which image the query is compared with, and which panel of it; the query is `QueryForm`'s."""

    found = forms.UUIDField()
    panel = forms.IntegerField(required=False, min_value=0, max_value=_MAX_ORDINAL)


@require_safe
@searchers_only
def comparison(request: HttpRequest) -> HttpResponse:
    """Return how a query and an image agree, as JSON: points in common, and alike cells."""
    form = ComparisonForm(request.GET)
    try:
        if not form.is_valid():
            raise UserInputError("search:user:no-region")
        found = list_visible_images(request.user).filter(pk=form.cleaned_data["found"])
        with limited_search(request, CountedAs.COMPARISON), search_slot():
            question = QueryForm(request.GET, request.FILES).read(request.user)
            pair = comparing.compare(question, get_object_or_404(found), form.cleaned_data["panel"])
    except DefectError:
        raise
    except AppError as error:
        logger.warning("comparison refused", extra={"code": error.code})
        return error_json(present_error(error))
    response = JsonResponse(as_evidence(pair))
    response["Cache-Control"] = "private, no-store"
    return response


class ComparedHitForm(forms.Form):
    """Which hit is shown beside the query, and of which part of it; the query is `QueryForm`'s."""

    found = forms.UUIDField()
    part = forms.RegexField(r"^[a-z]+-\d{1,9}$")


@require_safe
@searchers_only
def comparison_page(request: HttpRequest) -> HttpResponse:
    """Show a query beside one of its hits, as the dialog does, to who has no scripts.

    What is said of a hit is the search's: it is asked again, and has its proofs.
    """
    form = ComparedHitForm(request.GET)
    if not form.is_valid():
        raise Http404
    try:
        with timed() as search, limited_search(request), search_slot():
            question = QueryForm(request.GET, request.FILES).read(request.user)
            search.wait = question.wait
            result = services.search(question, request.user)
    except DefectError:
        raise
    except AppError as error:
        logger.warning("comparison refused", extra={"code": error.code})
        return answer(request, present_error(error))
    page = present_compared(result, query_name=question.name, **form.cleaned_data)
    if page is None:
        raise Http404
    response = render(request, "search/compared.html", {"page": page})
    response["Cache-Control"] = "private, no-store"
    return response
