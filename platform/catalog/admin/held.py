"""Copies that are held for review, each beside the picture that it is a copy of."""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from catalog.admin.bulk_edits import held_thumbnail_url, list_action, row_action
from catalog.admin.cells import thumbnail_response
from catalog.models import BulkEdit, HeldImage, Image
from catalog.presenters import thumbnail_url
from catalog.selectors import list_held_images
from jobs.admin import ReadOnlyAdmin

_KINDS = (BulkEdit.Kind.TAKE_IN, BulkEdit.Kind.REFUSE)


def _held(request: HttpRequest) -> QuerySet[Image]:
    return list_held_images(request.user)


@admin.register(HeldImage)
class HeldImageAdmin(ReadOnlyAdmin):
    """Images held for review: taken in, or refused, one or many."""

    class Media:
        """What the list looks like."""

        css: ClassVar = {"all": ("semblance/image_list.css",)}

    list_display = ("held_picture", "known_picture", "rung", "held_at")
    list_display_links = None
    list_filter = ("copy_check__rung", "held_at")
    list_per_page = 50
    show_full_result_count = False
    ordering = ("copy_check",)
    search_fields = ("title", "path", "external_id", "^sha256")
    actions = tuple(list_action(kind, permission="review") for kind in _KINDS)
    actions_row = actions_detail = ("take_in_one", "refuse_one")
    fields = ("held_picture", "known_picture", "rung", "held_at")

    take_in_one = row_action(BulkEdit.Kind.TAKE_IN, _held, permission="review")
    refuse_one = row_action(BulkEdit.Kind.REFUSE, _held, permission="review")

    def get_urls(self) -> list[URLPattern]:
        """Add the thumbnails, which have no public address."""
        thumbnail = path(
            "<uuid:image_id>/thumbnail.jpg",
            self.admin_site.admin_view(self.thumbnail),
            name="catalog_heldimage_thumbnail",
        )
        return [thumbnail, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Image]:
        """Return those that this person may decide about, with what they are copies of."""
        found: QuerySet[Image] = super().get_queryset(request)
        held = found.filter(pk__in=_held(request).order_by().values("pk"))
        return held.select_related("copy_check__copy_of").prefetch_related(
            "imports", "copy_check__copy_of__imports"
        )

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let in who may decide."""
        return self.has_review_permission(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show it in the index to the same."""
        return self.has_review_permission(request)

    def has_review_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this person may take in and refuse what is held."""
        return bool(request.user.has_perm("catalog.review_image"))

    def thumbnail(self, request: HttpRequest, image_id: UUID) -> HttpResponse:
        """Return the thumbnail of an image that is held, a JPEG that no cache keeps."""
        if not self.has_review_permission(request):
            raise PermissionDenied
        return thumbnail_response(get_object_or_404(_held(request), pk=image_id))

    @display(description=_("held picture"))
    def held_picture(self, image: Any) -> str:
        """Return the held picture and what is known of it, leading to its page here."""
        url = reverse("admin:catalog_heldimage_change", args=(image.pk,))
        return _cell(image, url, held_thumbnail_url(image))

    @display(description=_("copy of"))
    def known_picture(self, image: Any) -> str:
        """Return the picture that it is a copy of, or that this one is not there any more."""
        known = image.copy_check.copy_of
        if known is None or known.status == Image.Status.DELETING:
            return str(_("It has been deleted since."))
        if known.binned_at is not None:
            return str(_("It is in the bin by now."))
        return _cell(
            known, reverse("admin:catalog_image_change", args=(known.pk,)), thumbnail_url(known)
        )

    @display(description=_("verdict"), ordering="copy_check__rung")
    def rung(self, image: Any) -> str:
        """Return what it was proved to be."""
        return str(image.copy_check.get_rung_display())


def _cell(image: Any, url: str, thumbnail: str) -> str:
    # Sorted here, since the rows are read beforehand.
    imports = sorted(image.imports.all(), key=lambda each: each.created_at)
    context = {"image": image, "url": url, "thumbnail": thumbnail, "imports": imports[:1]}
    return render_to_string("admin/catalog/heldimage/picture.html", context)
