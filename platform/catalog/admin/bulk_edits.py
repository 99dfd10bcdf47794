"""Bulk edits: the question before one, and its progress afterwards."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404, redirect
from django.template.defaultfilters import filesizeformat
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.formats import date_format
from django.utils.html import format_html_join
from django.utils.http import content_disposition_header
from django.utils.safestring import mark_safe
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from catalog import services
from catalog.admin.bulk_edit_forms import CONFIRMATIONS, arguments_form
from catalog.exports import ExportFormat, list_files
from catalog.models import BulkEdit, Image
from catalog.presenters import thumbnail_url
from catalog.selectors import list_kept_images
from catalog.visibility import Viewer, hidden_albums, list_albums, list_tags, seen_by
from jobs.admin import ReadOnlyAdmin
from kernel.messages import sentence

State = BulkEdit.State

# Of the pictures that a question is about, so many are shown: what a person takes in at a glance.
_MAX_THUMBNAILS = 12
# Where the question comes from, but for the list of images.
_LISTS = {
    **dict.fromkeys((BulkEdit.Kind.RESTORE, BulkEdit.Kind.PURGE), "binnedimage"),
    **dict.fromkeys((BulkEdit.Kind.TAKE_IN, BulkEdit.Kind.REFUSE), "heldimage"),
}
# Seconds after which a page that shows progress fetches itself again.
_REFRESH_S = 5


def ask_to_confirm(
    kind: BulkEdit.Kind, images: QuerySet[Image], request: HttpRequest
) -> HttpResponse:
    """Fix the chosen images and lead to the question."""
    edit = services.ask_bulk_edit(kind, images, started_by_id=request.user.pk)
    return redirect("admin:catalog_bulkedit_confirm", edit.pk)


def list_action(
    kind: BulkEdit.Kind, *, permission: str, name: str = ""
) -> Callable[..., HttpResponse]:
    """Return a list's action on the chosen images.

    Args:
        kind: what is done to them.
        permission: of the list's own, as Django has it for actions.
        name: of the action; the kind's where empty.
    """

    @admin.action(permissions=[permission], description=kind.label)
    def ask(_: Any, request: HttpRequest, queryset: QuerySet[Image]) -> HttpResponse:
        return ask_to_confirm(kind, queryset, request)

    ask.__name__ = name or kind.value
    return ask


def row_action(
    kind: BulkEdit.Kind, images: Callable[[HttpRequest], QuerySet[Image]], *, permission: str
) -> Any:
    """Return the action on a row: for this image alone.

    Args:
        kind: what is done to it.
        images: those of the list that a person may see.
        permission: as for `list_action`.
    """

    @action(permissions=[permission], description=kind.label, url_path=kind.value)
    def ask(_: Any, request: HttpRequest, object_id: str) -> HttpResponse:
        return ask_to_confirm(kind, images(request).filter(pk=object_id), request)

    return ask


def held_thumbnail_url(image: Image) -> str:
    """Return the address of the thumbnail of an image that is held, for reviewers."""
    return reverse("admin:catalog_heldimage_thumbnail", args=(image.pk,))


def binned_thumbnail_url(image: Image) -> str:
    """Return the address of the thumbnail of an image in the bin, for keepers."""
    return reverse("admin:catalog_binnedimage_thumbnail", args=(image.pk,))


@admin.register(BulkEdit)
class BulkEditAdmin(ReadOnlyAdmin):
    """Bulk edits that were started, to watch; who may not see all of them sees their own."""

    change_form_outer_before_template = "admin/catalog/bulkedit/cancel.html"
    list_display = ("kind", "state_badge", "bar", "started_by", "started")
    list_filter = ("state", "kind")
    list_select_related = ("started_by",)
    list_per_page = 20
    fields = (
        *("kind", "what", "state", "bar", "files", "problem", "total", "done", "gone"),
        *("started_by", "created_at", "started_at", "finished_at"),
    )

    def get_urls(self) -> list[URLPattern]:
        """Add the page that asks first, a way to stop what runs, and the files of exports."""
        confirm = path(
            "<int:edit_id>/confirm/",
            self.admin_site.admin_view(self.confirm),
            name="catalog_bulkedit_confirm",
        )
        download = path(
            "<int:edit_id>/files/<int:number>/",
            self.admin_site.admin_view(self.download),
            name="catalog_bulkedit_file",
        )
        cancel = path(
            "<int:edit_id>/cancel/",
            self.admin_site.admin_view(self.cancel),
            name="catalog_bulkedit_cancel",
        )
        return [confirm, cancel, download, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[BulkEdit]:
        """Return those that were started; own ones alone where others, or any album, are hidden."""
        started: QuerySet[BulkEdit] = super().get_queryset(request).exclude(state=State.ASKED)
        # Counts and values of a change of others' private pictures would tell of these.
        is_all = _sees_all(request) and not hidden_albums(request.user)
        return started if is_all else started.filter(started_by=request.user.pk)

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Attach who looks: an album that it was about may be hidden from them by now."""
        edit = super().get_object(request, *args, **kwargs)
        if edit is not None:
            edit.viewer = request.user
        return edit

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let in who may see all of them, and who may start one."""
        return _sees_all(request) or any(
            request.user.has_perm(f"catalog.{confirmation.permission}_image")
            for confirmation in CONFIRMATIONS.values()
        )

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the list in the index to the same."""
        return self.has_view_permission(request)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any) -> HttpResponse:
        """Show how far an edit is; the page fetches itself again until it is done."""
        edit = self.get_object(request, object_id)
        is_running = edit is not None and edit.state == State.RUNNING
        context = {"may_cancel": is_running and _may(request, edit)}
        response: HttpResponse = super().change_view(
            request, object_id, *args, extra_context=context
        )
        if is_running and response.status_code == HTTPStatus.OK:
            response["Refresh"] = str(_REFRESH_S)
        return response

    def cancel(self, request: HttpRequest, edit_id: int) -> HttpResponse:
        """End a bulk edit that runs."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        edit = get_object_or_404(self.get_queryset(request), pk=edit_id)
        if not _may(request, edit):
            raise PermissionDenied
        if services.cancel_bulk_edit(edit, by_id=request.user.pk):
            said = _("Cancelled. What is changed stays so; the rest is left as it is.")
            self.message_user(request, said, messages.SUCCESS)
        else:
            self.message_user(request, _("It had ended before."), messages.WARNING)
        return redirect("admin:catalog_bulkedit_change", edit.pk)

    def confirm(self, request: HttpRequest, edit_id: int) -> HttpResponse:
        """Show what would be changed; change it once the person who asked says so."""
        edit = get_object_or_404(BulkEdit, pk=edit_id, started_by=request.user.pk)
        kind = BulkEdit.Kind(edit.kind)
        confirmation = CONFIRMATIONS[kind]
        if not _may(request, edit):
            raise PermissionDenied
        progress_url = reverse("admin:catalog_bulkedit_change", args=(edit.pk,))
        if edit.state != State.ASKED:  # somebody who goes back, or presses twice
            return redirect(progress_url)
        data = request.POST if request.method == "POST" else None
        form = arguments_form(kind, request.user, data)
        if form.is_valid():
            if services.start_bulk_edit(edit, form.arguments()):
                said = _("It has begun. This page shows how far it is; it goes on without you.")
                self.message_user(request, said, messages.SUCCESS)
            return redirect(progress_url)
        context = {
            **self.admin_site.each_context(request),
            "title": edit.get_kind_display(),
            "opts": self.opts,
            "media": self.media + form.media,
            "edit": edit,
            "confirmation": confirmation,
            "form": form,
            "pictures": _first_pictures(edit, request.user),
            "rest": max(0, edit.total - _MAX_THUMBNAILS),
            "list_url": reverse(f"admin:catalog_{_LISTS.get(kind, 'image')}_changelist"),
        }
        return TemplateResponse(request, "admin/catalog/bulkedit/confirm.html", context)

    def download(self, request: HttpRequest, edit_id: int, number: int) -> StreamingHttpResponse:
        """Return a file of an export to whoever asked for it, or may see all."""
        edit = get_object_or_404(self.get_queryset(request), pk=edit_id)
        if not request.user.has_perm("catalog.export_image"):
            raise PermissionDenied
        files = list_files(edit)
        if number >= len(files):
            raise Http404
        response = StreamingHttpResponse(
            files[number].pieces(), content_type="application/octet-stream"
        )
        response["Content-Length"] = str(files[number].file_bytes)
        response["Content-Disposition"] = content_disposition_header(
            as_attachment=True, filename=files[number].name
        )
        response["Cache-Control"] = "no-store"
        return response

    @display(description=_("files"), empty_value="")
    def files(self, edit: BulkEdit) -> str:
        """Return links to what an export has made."""
        link = '<a href="{}" style="text-decoration:underline" download>{}</a> ({})'
        links = (
            (
                reverse("admin:catalog_bulkedit_file", args=(edit.pk, number)),
                file.name,
                filesizeformat(file.file_bytes),
            )
            for number, file in enumerate(list_files(edit))
        )
        return format_html_join(mark_safe("<br>"), link, links)

    @display(
        description=_("state"),
        ordering="state",
        label={State.RUNNING: "info", State.DONE: "success", State.CANCELLED: "warning"},
    )
    def state_badge(self, edit: BulkEdit) -> tuple[str, Any]:
        """Return the state and its name."""
        return edit.state, edit.get_state_display()

    @display(description=_("progress"))
    def bar(self, edit: BulkEdit) -> str:
        """Return how far it is, as a bar and in numbers."""
        return render_to_string("admin/catalog/bulkedit/progress.html", {"edit": edit})

    @display(description=_("started"), ordering="started_at")
    def started(self, edit: BulkEdit) -> str:
        """Return the day and minute, short."""
        return date_format(localtime(edit.started_at), "SHORT_DATETIME_FORMAT")

    @display(description=_("to what"), empty_value="")
    def what(self, edit: Any) -> str:
        """Return the tags, the albums or the value that it was given."""
        return _what(edit, edit.viewer)

    @display(description=_("error"), empty_value="")
    def problem(self, edit: BulkEdit) -> str:
        """Return why its last job ended before it was done."""
        is_stuck = edit.state == State.RUNNING and edit.job is not None and edit.job.error_code
        return sentence(edit.job.error_code) if is_stuck else ""  # type: ignore[union-attr]


def _may(request: HttpRequest, edit: BulkEdit) -> bool:
    """Whether a person may make such a change."""
    permission = CONFIRMATIONS[BulkEdit.Kind(edit.kind)].permission
    return request.user.has_perm(f"catalog.{permission}_image")


def _sees_all(request: HttpRequest) -> bool:
    return request.user.has_perm("catalog.view_bulkedit")


def _what(edit: BulkEdit, viewer: Viewer) -> str:
    if edit.kind == BulkEdit.Kind.EXPORT:
        return str(ExportFormat(edit.arguments["format"]).label)
    if "names" in edit.arguments:
        is_tags = edit.kind in {BulkEdit.Kind.ADD_TAGS, BulkEdit.Kind.REMOVE_TAGS}
        known: QuerySet[Any] = list_tags(viewer) if is_tags else list_albums(viewer)
        named = known.filter(pk__in=edit.arguments["names"])
        return ", ".join(named.values_list("name", flat=True))
    value = str(edit.arguments.get("value", ""))
    if edit.kind == BulkEdit.Kind.REPLACE_IN_TITLE:
        return f"“{edit.arguments['find']}” → “{value}”"
    if edit.kind == BulkEdit.Kind.SET_MEDIUM:
        return str(dict(Image.Medium.choices).get(value, value))
    return value


def _first_pictures(edit: BulkEdit, viewer: Viewer) -> list[tuple[Image, str]]:
    """Return the first of the chosen images that are still there, each with its thumbnail."""
    chunk = edit.chunks.first()
    ids = [] if chunk is None else [UUID(one) for one in chunk.image_ids[:_MAX_THUMBNAILS]]
    found = seen_by(list_kept_images(), viewer).in_bulk(ids)
    return [(found[pk], _thumbnail_url(found[pk])) for pk in ids if pk in found]


def _thumbnail_url(image: Image) -> str:
    if image.binned_at is not None:
        return binned_thumbnail_url(image)
    return thumbnail_url(image) if image.held_at is None else held_thumbnail_url(image)
