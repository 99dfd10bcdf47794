"""Tags and albums for the catalogue's keepers."""

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from audit_log.admin import AuditedAdmin
from audit_log.models import AuditEntry
from audit_log.services import record_images
from catalog import services
from catalog.models import Album, Image, Tag
from catalog.services.bulk_edits import CHUNK_IMAGES


class NamedSetAdmin(AuditedAdmin):
    """Tags and albums: every point of their images carries their names, which follow a change."""

    list_display = ("name",)
    search_fields = ("name",)

    def save_model(
        self, request: HttpRequest, obj: Tag | Album, form: ModelForm, *args: Any
    ) -> None:
        """Save, and have the points of its images carry the new name."""
        super().save_model(request, obj, form, *args)
        if "name" in form.changed_data:  # a new one has no images yet
            services.request_payload_update(obj.images.all())

    def delete_model(self, request: HttpRequest, obj: Tag | Album) -> None:
        """Delete, and have the points of its images forget it."""
        self.delete_queryset(request, type(obj).objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Do the same for many; asked for before they are gone, together with it."""
        with transaction.atomic():
            images = Image.objects.filter(**{f"{self._relation}__in": queryset.all()})
            services.request_payload_update(images)
            super().delete_queryset(request, queryset)

    def record_deletion(self, request: HttpRequest, obj: Tag | Album) -> AuditEntry:
        """Write the entry of a deletion that follows, and which images lose it."""
        entry = super().record_deletion(request, obj)
        ids = list(obj.images.order_by("pk").values_list("pk", flat=True))
        for start in range(0, len(ids), CHUNK_IMAGES):
            record_images(entry, {"": ids[start : start + CHUNK_IMAGES]})
        return entry

    @property
    def _relation(self) -> str:
        return {Tag: "tags", Album: "albums"}[self.model]


@admin.register(Tag)
class TagAdmin(NamedSetAdmin):
    """Tags."""


@admin.register(Album)
class AlbumAdmin(NamedSetAdmin):
    """Albums."""
