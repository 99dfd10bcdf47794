"""The panels of an image, drawn over it: a person corrects what the workers found."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from catalog import services
from catalog.models import Image, Region
from catalog.presenters import picture_url
from catalog.selectors import list_visible_images
from kernel.errors import UserInputError
from kernel.messages import sentence
from kernel.regions import MAX_PANELS

_SIDES = ("x0", "y0", "x1", "y1")
# What the buttons beside "Save" say.
_NO_COLLAGE, _AUTOMATIC = "no-collage", "automatic"


class PanelForm(forms.Form):
    """One panel, by its corners in pixels of the upright original."""

    x0 = forms.IntegerField(label=_("left"), min_value=0)
    y0 = forms.IntegerField(label=_("top"), min_value=0)
    x1 = forms.IntegerField(label=_("right"), min_value=1)
    y1 = forms.IntegerField(label=_("bottom"), min_value=1)


PanelFormSet = forms.formset_factory(
    PanelForm, extra=1, can_delete=True, max_num=MAX_PANELS, absolute_max=MAX_PANELS + 1
)


@require_http_methods(["GET", "HEAD", "POST"])
def panels(request: HttpRequest, image_id: UUID) -> HttpResponse:
    """Show an image with its regions; keep the panels that are sent, or none, or the workers'."""
    if not request.user.has_perm("catalog.change_image"):
        raise PermissionDenied
    image = get_object_or_404(list_visible_images(request.user), pk=image_id)
    problem = ""
    if request.method == "POST":
        drawn, decision = PanelFormSet(request.POST), request.POST.get("decision")
        if decision in {_AUTOMATIC, _NO_COLLAGE} or drawn.is_valid():
            try:
                services.draw_panels(image.pk, _boxes(decision, drawn), by_id=request.user.pk)
            except UserInputError as error:
                problem = sentence(error.code, **error.context)
            else:
                messages.success(request, _("Kept. The image is being described again."))
                return redirect("admin:catalog_image_change", image.pk)
    else:
        drawn = PanelFormSet(initial=_initial(image))
    context = {
        **admin.site.each_context(request),
        "title": _("Pictures in it: {image}").format(image=image),
        "opts": Image._meta,
        "image": image,
        "picture_url": picture_url(image),
        "objects": [
            (x0, y0, x1 - x0, y1 - y0)
            for x0, y0, x1, y1 in image.regions.filter(kind=Region.Kind.OBJECT).values_list(*_SIDES)
        ],
        "panels": drawn,
        "problem": problem,
        "min_side_px": services.MIN_SIDE_PX,
        "is_corrected": image.drawn_panels is not None,
        "change_url": reverse("admin:catalog_image_change", args=(image.pk,)),
    }
    return TemplateResponse(request, "admin/catalog/image/panels.html", context)


def _boxes(decision: str | None, drawn: Any) -> list[tuple[int, int, int, int]] | None:
    if decision == _AUTOMATIC:
        return None
    if decision == _NO_COLLAGE:
        return []
    kept = [form for form in drawn.forms if form not in drawn.deleted_forms and form.cleaned_data]
    return [tuple(form.cleaned_data[side] for side in _SIDES) for form in kept]


def _initial(image: Image) -> list[dict[str, int]]:
    """Return what a person drew, or else what the workers found."""
    boxes = image.drawn_panels
    if boxes is None:
        found = image.regions.filter(kind=Region.Kind.PANEL).order_by("ordinal")
        boxes = found.values_list(*_SIDES)
    return [dict(zip(_SIDES, box, strict=True)) for box in boxes]
