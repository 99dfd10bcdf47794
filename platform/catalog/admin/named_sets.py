"""Tags and albums for the catalogue's keepers."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from audit_log.admin import AuditedAdmin
from audit_log.models import AuditEntry
from audit_log.services import record_images
from catalog import services
from catalog.models import Album, AlbumGroup, Image, Tag
from catalog.services.bulk_edits import CHUNK_IMAGES
from catalog.visibility import Viewer, list_albums, list_tags


class NamedSetAdmin(AuditedAdmin):
    """Tags and albums: every point of their images carries their names, which follow a change."""

    list_display: tuple[str, ...] = ("name",)
    search_fields = ("name",)

    def save_model(
        self, request: HttpRequest, obj: Tag | Album, form: ModelForm, *args: Any
    ) -> None:
        """Save, and have the points of its images carry the new name."""
        super().save_model(request, obj, form, *args)
        if "name" in form.changed_data:  # a new one has no images yet
            services.request_payload_update(obj.images.all())

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Return what goes: not how many images are in it, of which some may be private."""
        kept = [str(each) for each in objs if self.is_kept(each)]
        return [str(each) for each in objs], {self.opts.verbose_name_plural: len(objs)}, set(), kept

    def is_kept(self, row: Any) -> bool:
        """Whether it must not be deleted."""
        return False

    def delete_model(self, request: HttpRequest, obj: Tag | Album) -> None:
        """Delete, and have the points of its images forget it."""
        self.delete_queryset(request, type(obj).objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Do the same for many; asked for before they are gone, together with it."""
        with transaction.atomic():
            services.request_payload_update(
                Image.objects.filter(**{f"{self._relation}__in": queryset.all()})
            )
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

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tag]:
        """Return those that this person may know of."""
        return list_tags(request.user)


class AlbumForm(ModelForm):
    """An album, and whom it is private to."""

    viewer: Viewer
    # Not the model's own field: the admin offers none whose rows it cannot make by itself.
    private_to = forms.ModelMultipleChoiceField(
        Group.objects.order_by("name"),
        required=False,
        label=_("Private to"),
        help_text=_(
            "Members of these groups, and superusers, see its pictures; nobody else does, nowhere. "
            "Without groups it is open to everybody."
        ),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["private_to"].initial = self.instance.groups.all()

    def clean_private_to(self) -> Iterable[Group]:
        """Refuse to hide an album from who is doing it."""
        groups: QuerySet[Group] = self.cleaned_data["private_to"]
        is_member = groups.filter(user=self.viewer.pk).exists()
        if groups and not is_member and not self.viewer.is_superuser:
            raise forms.ValidationError(
                _("You are in none of these groups: you would not see the album yourself."),
                code="own-access",
            )
        return groups


@admin.register(Album)
class AlbumAdmin(NamedSetAdmin):
    """Albums."""

    form = AlbumForm
    list_display = ("name", "seen_by")
    fields = ("name", "private_to")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Album]:
        """Return those that this person may know of."""
        return list_albums(request.user).prefetch_related("groups")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return what may be changed, or for who may only look, the same as in the list."""
        may_change = self.has_change_permission(request, obj) or obj is None
        return self.fields if may_change else self.list_display

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Return the form of this person."""
        form = super().get_form(request, *args, **kwargs)
        return type(form.__name__, (form,), {"viewer": request.user})

    def save_related(self, request: HttpRequest, form: ModelForm, *args: Any) -> None:
        """Close or open the album: SQL and searches follow at once, no point carries it."""
        super().save_related(request, form, *args)
        form.instance.groups.set(form.cleaned_data["private_to"])

    def is_kept(self, row: Album) -> bool:
        """Whether its pictures would be open to everybody without it."""
        return AlbumGroup.objects.filter(album=row).exists() and row.images.exists()

    @display(description=_("seen by"))
    def seen_by(self, album: Album) -> str:
        """Return the groups that it is private to."""
        return ", ".join(group.name for group in album.groups.all()) or str(_("everybody"))
