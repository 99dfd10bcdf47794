"""The address that says what filters can be completed to."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from search.known_values import list_known_values
from site_http.access import searchers_only

_KEPT_S = 60


@require_safe
@searchers_only
def known_values(request: HttpRequest) -> JsonResponse:
    """Return field → values as JSON. Whoever opens the filters asks; few who search do."""
    response = JsonResponse(dict(list_known_values(request.user)))
    response["Cache-Control"] = f"private, max-age={_KEPT_S}"
    return response
