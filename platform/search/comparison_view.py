"""The address that says more of a hit than the page: asked for by the page's own script."""

import logging

from django import forms
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from catalog.selectors import list_visible_images
from kernel.errors import AppError, DefectError, UserInputError
from search import comparing
from search.forms import QueryForm
from search.in_flight import search_slot
from search.presenters.evidence import as_evidence
from site_http.access import searchers_only
from site_http.responses import error_json, present_error

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
        with search_slot():
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
