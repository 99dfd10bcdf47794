"""The API's document, for programs and for people."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from api.document import document
from api.reference import present_reference


@require_safe
def root(request: HttpRequest) -> HttpResponse:
    """Lead to the readable page."""
    return redirect("api:docs")


@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    """Return the document, OpenAPI 3.1."""
    return JsonResponse(document(), json_dumps_params={"ensure_ascii": False})


@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    """Show the document to people."""
    return render(request, "api/reference.html", {"reference": present_reference(document())})
