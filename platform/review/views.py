"""Deciding about a hit: a form on the result page, which leads back to where it was."""

import logging

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from kernel.errors import AppError, DefectError, UserInputError
from review import services
from review.models import Decision
from review.shown_hits import ShownHit
from site_http.access import searchers_only
from site_http.responses import answer, present_error, wants_json

logger = logging.getLogger(__name__)

# What the button says that is pressed already.
TAKEN_BACK = "none"


@require_POST
@searchers_only
@permission_required(services.PERMISSION, raise_exception=True)
def decide(request: HttpRequest) -> HttpResponse:
    """Record a decision or take it back, and lead back to the result; JSON where that is wanted."""
    chosen = request.POST.get("judgement", "")
    try:
        shown = ShownHit.from_signed(request.POST.get("hit", ""), request.user)
        if chosen == TAKEN_BACK:
            services.take_back(shown, by=request.user)
        else:
            services.decide(shown, _judgement(chosen), by=request.user)
    except DefectError:
        raise
    except AppError as error:
        logger.warning("decision refused", extra={"code": error.code})
        return answer(request, present_error(error))
    if wants_json(request):
        return JsonResponse({"judgement": None if chosen == TAKEN_BACK else chosen})
    return HttpResponseRedirect(_way_back(request), status=303)


def _judgement(text: str) -> Decision.Judgement:
    try:
        return Decision.Judgement(text)
    except ValueError as error:
        raise UserInputError("review:user:bad-judgement") from error


def _way_back(request: HttpRequest) -> str:
    address = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(address, {request.get_host()}, request.is_secure()):
        return address
    return reverse("search:page")
