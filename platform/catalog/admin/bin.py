"""The bin for the catalogue's keepers: what is in it, how long still, back or away for good."""

from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action, display

from catalog.admin.bulk_edit_forms import CONFIRMATIONS
from catalog.admin.bulk_edits import (
    ask_to_confirm,
    binned_thumbnail_url,
    list_action,
    row_action,
)
from catalog.admin.cells import thumbnail_response
from catalog.models import BinnedImage, BulkEdit, Image
from catalog.selectors import list_binned_images
from catalog.visibility import seen_by
from jobs.admin import ReadOnlyAdmin

_KINDS = (BulkEdit.Kind.RESTORE, BulkEdit.Kind.PURGE)


def _binned(request: HttpRequest) -> QuerySet[Image]:
    """Return what is in the bin and may be seen by this person."""
    return seen_by(list_binned_images(), request.user)


def _button(kind: BulkEdit.Kind, description: Any) -> Any:
    """Return the action of a button above the list: for all that is in the bin."""

    @action(permissions=[kind.value], description=description, url_path=f"{kind.value}-all")
    def ask(_: ReadOnlyAdmin, request: HttpRequest) -> HttpResponse:
        return ask_to_confirm(kind, _binned(request).order_by("-binned_at", "pk"), request)

    return ask


@admin.register(BinnedImage)
class BinnedImageAdmin(ReadOnlyAdmin):
    """Images in the bin: who put them there, when, and how long they stay."""

    class Media:
        """What the list looks like."""

        css: ClassVar = {"all": ("semblance/image_list.css",)}

    list_display = ("preview", "title_shown", "binned_at", "binned_by", "days_left")
    list_display_links = ("title_shown",)
    list_select_related = ("binned_by",)
    list_filter = ("binned_at",)
    list_per_page = 50
    search_fields = ("title", "path", "external_id", "^sha256")
    actions = tuple(list_action(kind, permission=kind.value) for kind in _KINDS)
    actions_row = ("restore_one", "purge_one")
    actions_list = ("restore_all", "purge_all")
    fields = (
        *("preview", "title", "description", "path", "source", "owner", "licence"),
        *("binned_at", "binned_by", "days_left"),
    )

    restore_one = row_action(BulkEdit.Kind.RESTORE, _binned, permission="restore")
    purge_one = row_action(BulkEdit.Kind.PURGE, _binned, permission="purge")
    restore_all = _button(BulkEdit.Kind.RESTORE, _("Restore all"))
    purge_all = _button(BulkEdit.Kind.PURGE, _("Empty the bin"))

    def get_urls(self) -> list[URLPattern]:
        """Add the thumbnails, which have no public address any more."""
        thumbnail = path(
            "<uuid:image_id>/thumbnail.jpg",
            self.admin_site.admin_view(self.thumbnail),
            name="catalog_binnedimage_thumbnail",
        )
        return [thumbnail, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Image]:
        """Return what can still be restored."""
        found: QuerySet[Image] = super().get_queryset(request)
        return found.filter(pk__in=_binned(request).values("pk"))

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let in who may do something here."""
        return self.has_restore_permission(request) or self.has_purge_permission(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show it in the index to the same."""
        return self.has_view_permission(request)

    def has_restore_permission(self, request: HttpRequest) -> bool:
        """Whether this person may bring images back."""
        return _may(request, BulkEdit.Kind.RESTORE)

    def has_purge_permission(self, request: HttpRequest) -> bool:
        """Whether this person may delete images for good."""
        return _may(request, BulkEdit.Kind.PURGE)

    def thumbnail(self, request: HttpRequest, image_id: UUID) -> HttpResponse:
        """Return the thumbnail of an image in the bin, a JPEG that no cache keeps."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return thumbnail_response(get_object_or_404(_binned(request), pk=image_id))

    @display(description=_("picture"))
    def preview(self, image: Image) -> str:
        """Return the thumbnail."""
        return format_html(
            '<img src="{}" alt="" loading="lazy" class="bin-thumbnail">',
            binned_thumbnail_url(image),
        )

    @display(description=_("title"), ordering="title")
    def title_shown(self, image: Image) -> str:
        """Return the title, or how the hash begins."""
        return str(image)

    @display(description=_("stays"), ordering="binned_at")
    def days_left(self, image: Image) -> str:
        """Return after how many days it is deleted by itself."""
        if not settings.BIN_RETENTION_DAYS or image.binned_at is None:
            return str(_("until somebody deletes it"))
        end = image.binned_at + timedelta(days=settings.BIN_RETENTION_DAYS)
        days = max(0, -((timezone.now() - end) // timedelta(days=1)))
        return ngettext("%(days)d day", "%(days)d days", days) % {"days": days}


def _may(request: HttpRequest, kind: BulkEdit.Kind) -> bool:
    return request.user.has_perm(f"catalog.{CONFIRMATIONS[kind].permission}_image")
