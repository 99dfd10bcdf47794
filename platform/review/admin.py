"""Decisions, to look at and to delete; and how often each verdict was right."""

from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from catalog.models import EncoderVersion
from catalog.presenters import thumbnail_url
from catalog.validation import preview
from jobs.admin import FixedChoicesFilter, ReadOnlyAdmin
from kernel.errors import FileMissing, UserInputError
from review import query_pictures, services
from review.models import Decision
from review.precision import precision_of_rungs
from review.selectors import list_decisions
from search.presenters.page import verdict_name
from search.verdicts import Verdict

_THUMBNAIL_SIDE_PX = 400
_LINK_CLASSES = "text-primary-600 dark:text-primary-500"


class JudgementFilter(FixedChoicesFilter):
    """By what was decided."""

    title = _("decision")
    parameter_name = "judgement"
    values = tuple(Decision.Judgement.choices)


class ShownVerdictFilter(FixedChoicesFilter):
    """By what the page said."""

    title = _("verdict shown")
    parameter_name = "shown_verdict"

    def lookups(self, request: HttpRequest, model_admin: Any) -> tuple[tuple[str, Any], ...]:
        """Return the rungs."""
        return tuple((each.value, verdict_name(each)) for each in Verdict)


class EncoderVersionFilter(FixedChoicesFilter):
    """By the encoder version that found it."""

    title = _("encoder version")
    parameter_name = "encoder_version"

    def lookups(self, request: HttpRequest, model_admin: Any) -> tuple[tuple[str, Any], ...]:
        """Return the versions that there are, which are few."""
        return tuple((str(each.pk), str(each)) for each in EncoderVersion.objects.all())

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Return the decisions of that version; of none where it is no number."""
        value = self.value()
        if value and not value.isdecimal():
            return queryset.none()
        return super().queryset(request, queryset)


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    """Decisions about pictures that who looks may see, the newest first."""

    class Media:
        """What the list looks like."""

        css: ClassVar = {"all": ("semblance/image_list.css",)}

    list_display = ("asked", "found", "judgement", "shown", "decided_by", "decided_at")
    list_display_links = ("decided_at",)
    list_filter = (JudgementFilter, ShownVerdictFilter, EncoderVersionFilter)
    list_select_related = ("image", "query_image", "decided_by", "encoder_version")
    list_per_page = 50
    show_full_result_count = False
    search_fields = ("=decided_by__username", "^query_sha256", "image__title")
    search_help_text = _("Who decided, the title of the image, or the hash of the asked picture")
    actions_list = ("precision_page",)
    fields = (
        *("asked", "query_sha256", "query_box", "found", "image_box", "judgement"),
        *("decided_by", "decided_at", "shown", "score", "probability"),
        *("encoder_version", "calibration_sha256"),
    )

    def get_urls(self) -> list[URLPattern]:
        """Add the pictures that were asked with, which have no public address."""
        query = path(
            "<int:decision_id>/query.jpg",
            self.admin_site.admin_view(self.query_picture),
            name="review_decision_query",
        )
        return [query, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Decision]:
        """Return those about pictures that this person may see."""
        found: QuerySet[Decision] = super().get_queryset(request)
        return found.filter(pk__in=list_decisions(request.user).order_by().values("pk"))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let in who may delete decisions of others."""
        return bool(request.user.has_perm("review.delete_decision"))

    def delete_model(self, request: HttpRequest, obj: Decision) -> None:
        """Delete it, and its picture where that is the last one."""
        services.delete(obj, by_id=request.user.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Decision]) -> None:
        """Do the same for as many as were chosen on a page."""
        for decision in queryset:
            services.delete(decision, by_id=request.user.pk)

    def query_picture(self, request: HttpRequest, decision_id: int) -> HttpResponse:
        """Return the asked picture, small, a JPEG that no cache keeps."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        decision = get_object_or_404(self.get_queryset(request), pk=decision_id)
        try:
            jpeg = preview(query_pictures.read(decision), side_px=_THUMBNAIL_SIDE_PX)
        except (FileMissing, UserInputError) as error:
            raise Http404 from error
        response = HttpResponse(jpeg, content_type="image/jpeg")
        response["Cache-Control"] = "private, no-store"
        return response

    @action(description=_("Precision of each verdict"), url_path="precision")
    def precision_page(self, request: HttpRequest) -> HttpResponse:
        """Show how often each verdict was right, of the decisions that this person may see."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        versions = EncoderVersion.objects.in_bulk()
        found = precision_of_rungs(list_decisions(request.user))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Precision of each verdict"),
            "opts": Decision._meta,
            "sections": [
                (versions[pk], [(verdict_name(rung.verdict), rung) for rung in rungs])
                for pk, rungs in sorted(found.items(), reverse=True)
            ],
        }
        return TemplateResponse(request, "admin/review/decision/precision.html", context)

    @display(description=_("asked picture"))
    def asked(self, decision: Decision) -> str:
        """Return the picture that was asked with, small."""
        if decision.query_image is not None:
            url = reverse("admin:catalog_image_change", args=(decision.query_image_id,))
            return _cell(url, thumbnail_url(decision.query_image), str(decision.query_image))
        small = reverse("admin:review_decision_query", args=(decision.pk,))
        return format_html('<img src="{}" alt="" width="80" loading="lazy">', small)

    @display(description=_("image found"))
    def found(self, decision: Decision) -> str:
        """Return the image that it was compared with, leading to its page."""
        url = reverse("admin:catalog_image_change", args=(decision.image_id,))
        return _cell(url, thumbnail_url(decision.image), str(decision.image))

    @display(description=_("verdict shown"), ordering="shown_verdict")
    def shown(self, decision: Decision) -> str:
        """Return the rung in the page's words, and the percentage that stood there."""
        known = {each.value for each in Verdict}
        name = decision.shown_verdict
        if name in known:
            name = str(verdict_name(Verdict(name)))
        likely = decision.probability
        return name if likely is None else f"{name} · {round(100 * likely)}%"


def _cell(url: str, thumbnail: str, title: str) -> str:
    return format_html(
        '<a href="{}" class="{}"><img src="{}" alt="" width="80" loading="lazy">{}</a>',
        *(url, _LINK_CLASSES, thumbnail, title),
    )
