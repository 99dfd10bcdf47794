"""Imports: started, watched, paused and resumed; what was refused and why, and tried again."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db.models import Model, QuerySet
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import display

from catalog.services import IsCopy
from ingestion import services
from ingestion.failures_csv import failures_csv
from ingestion.forms import NewImportForm, WatchFolderForm
from ingestion.models import Import, ImportFailure, WatchedFolder
from ingestion.presenters import present_passed_over, present_plan, present_reading
from ingestion.selectors import find_progress, list_imports, list_watched_folders
from ingestion.services import ImportPlan
from jobs.admin import ReadOnlyAdmin
from kernel.errors import AppError, UserInputError
from kernel.messages import sentence
from site_http.bodies import takes_files
from site_http.capped_lists import CappedList

State = Import.State

# Seconds after which a page of an import that moves fetches itself again.
_REFRESH_S = 5


class ImportChangeList(CappedList):
    """A page of imports that knows the progress of all of them, asked for at once."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        """Attach each import's progress."""
        super().get_results(request)
        self.result_list = list(self.result_list)
        progress = find_progress([row.pk for row in self.result_list], request.user)
        for row in self.result_list:
            row.progress = progress[row.pk]


class FailureInline(TabularInline):
    """The files that an import refused."""

    model = ImportFailure
    fields = readonly_fields = ("name", "problem", "error_code")
    can_delete = False
    max_num = 0
    per_page = 50
    hide_title = True

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never: imports write them."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never: imports write them."""
        return False

    @display(description=_("why"))
    def problem(self, failure: ImportFailure) -> str:
        """Return the sentence of the error."""
        return _why(failure)


def _why(failure: ImportFailure) -> str:
    """Return the sentence of an error; of a copy, with a link to what it is a copy of."""
    context = failure.context or {}
    said = sentence(failure.error_code, **context)
    if failure.error_code != IsCopy.CODE or context["copy_of"] == "–":
        return said
    url = reverse("admin:catalog_image_change", args=(context["copy_of"],))
    return format_html('{} <a href="{}" class="underline">{}</a>', said, url, gettext("Show it"))


# What can be done, its name, how its button looks, and in which states.
_ACTIONS = (
    ("start", _("Start"), "primary", (State.PLANNED,)),
    ("resume", _("Resume"), "primary", services.RESUMABLE),
    ("pause", _("Pause"), "default", services.PAUSABLE),
    ("cancel", _("Cancel the import"), "default", services.CANCELLABLE),
)


@admin.register(ImportFailure)
class ImportFailureAdmin(ReadOnlyAdmin):
    """Files that imports refused, to look at and to try again: some or all."""

    list_display = ("name", "problem", "of", "retry_at")
    list_select_related = ("of",)
    list_per_page = 50
    search_fields = ("name", "error_code")
    fields = ("of", "name", "problem", "error_code", "retry_at")
    actions = ("retry",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ImportFailure]:
        """Return those of imports that this person may know of."""
        found: QuerySet[ImportFailure] = super().get_queryset(request)
        return found.filter(of__in=list_imports(request.user).order_by().values("pk"))

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let in who may see imports."""
        return request.user.has_perm("ingestion.view_import")

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Leave it out of the index: an import leads here."""
        return False

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Let who may start imports try again what they refused."""
        return request.user.has_perm("ingestion.add_import")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Allow the link from an import to its failures."""
        return lookup == "of__id__exact" or super().lookup_allowed(lookup, value, request)

    @admin.action(permissions=["retry"], description=_("Try again"))
    def retry(self, request: HttpRequest, queryset: QuerySet[ImportFailure]) -> None:
        """Have workers try the chosen files once more."""
        # Fixed now: those that are taken in at once are gone from the query.
        chosen_failures = list(queryset.values_list("pk", flat=True))
        chosen = list_imports(request.user).filter(pk__in=queryset.order_by().values("of"))
        tried = 0
        for current in list(chosen):
            try:
                failures = ImportFailure.objects.filter(pk__in=chosen_failures)
                tried += services.retry(current, failures, by_id=request.user.pk)
            except UserInputError as error:
                self.message_user(request, sentence(error.code, **error.context), messages.ERROR)
        said = _("They are tried again: {count}.").format(count=tried)
        self.message_user(request, said, messages.SUCCESS if tried else messages.WARNING)

    @display(description=_("why"))
    def problem(self, failure: ImportFailure) -> str:
        """Return the sentence of the error."""
        return _why(failure)


@admin.register(Import)
class ImportAdmin(ReadOnlyAdmin):
    """Imports and their progress."""

    list_display = (*("source", "state_badge", "bar", "added", "duplicates", "failed", "started"),)
    list_filter = ("state", "created_at")
    list_per_page = 20
    search_fields = ("source",)
    fields = (
        *("source", "state", "problem", "reading", "bar", "its_images"),
        *("found", "added", "duplicates", "binned", "failed", "what_was_passed_over"),
        *("started_by", "created_at", "finished_at"),
    )
    change_form_outer_before_template = "admin/ingestion/import/life.html"
    inlines = (FailureInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Import]:
        """Return those that this person may know of, as others' private pictures are not."""
        return list_imports(request.user)

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Attach the import's progress."""
        current = super().get_object(request, *args, **kwargs)
        if current is not None:
            current.progress = find_progress([current.pk], request.user)[current.pk]
        return current

    def get_urls(self) -> list[URLPattern]:
        """Add what is done with an import, and its failures as a table."""
        views = (
            ("<uuid:import_id>/do/", self.do, "do"),
            ("<uuid:import_id>/failures.csv", self.failures_csv, "failures_csv"),
        )
        own = [
            path(route, self.admin_site.admin_view(view), name=f"ingestion_import_{name}")
            for route, view, name in views
        ]
        return [*own, *super().get_urls()]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Let in who may start imports; the same may pause, resume and cancel them."""
        return request.user.has_perm("ingestion.add_import")

    @takes_files("UPLOAD_MAX_FORM_BYTES")
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Ask where pictures come from, and have workers plan the import."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        is_sent = request.method == "POST"
        form = NewImportForm(request.POST, request.FILES) if is_sent else NewImportForm()
        if form.is_valid():
            try:
                current = services.plan_import(
                    source=form.cleaned_data["address"].strip(),
                    uploads=form.cleaned_data["uploads"],
                    options=form.options(),
                    started_by_id=request.user.pk,
                )
            except AppError as error:
                form.add_error(None, sentence(error.code, **error.context))
            else:
                return redirect("admin:ingestion_import_change", current.pk)
        context = {
            **self.admin_site.each_context(request),
            "title": _("New import"),
            "lead": _(
                "Workers look first at what would be taken in; nothing is until you start it then."
            ),
            "submit_label": _("Plan the import"),
            "opts": self.opts,
            "media": self.media + form.media,
            "form": form,
            "roots": settings.INGEST_ROOTS,
        }
        return TemplateResponse(request, "admin/ingestion/import/new.html", context)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any) -> HttpResponse:
        """Show how far an import is and what can be done; the page fetches itself again."""
        current = self.get_object(request, unquote(object_id))
        context = {} if current is None else self._life(request, current)
        response: HttpResponse = super().change_view(request, object_id, "", context)
        if context.get("is_moving"):
            response["Refresh"] = str(_REFRESH_S)
        return response

    def _life(self, request: HttpRequest, current: Import) -> dict[str, Any]:
        is_planned = current.state == State.PLANNED and current.plan is not None
        offered: list[tuple[str, Any, str]] = []
        if self.has_add_permission(request):
            offered = [
                (name, label, variant)
                for name, label, variant, states in _ACTIONS
                if current.state in states and (name != "start" or is_planned)
            ]
            if current.failed and current.state in services.RETRIABLE:
                offered.append(("retry", _("Try what was refused again"), "default"))
        failures = reverse(
            "admin:ingestion_importfailure_changelist", query={"of__id__exact": current.pk}
        )
        return {
            "offered": offered,
            "failures_url": failures,
            "plan": present_plan(ImportPlan.from_json(current.plan or {})) if is_planned else [],
            "is_being_planned": current.state == State.PLANNED and not is_planned,
            "is_moving": current.state == State.RUNNING
            or (current.state == State.PLANNED and not is_planned),
        }

    def do(self, request: HttpRequest, import_id: UUID) -> HttpResponse:
        """Start, pause, resume or cancel an import, or try again what it refused."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_add_permission(request):
            raise PermissionDenied
        current = get_object_or_404(self.get_queryset(request), pk=import_id)
        actions: dict[str, Callable[[Import], object]] = {
            "start": services.start,
            "pause": services.pause,
            "resume": services.resume,
            "cancel": services.cancel,
            "retry": partial(
                services.retry, failures=current.failures.all(), by_id=request.user.pk
            ),
        }
        work = actions.get(request.POST.get("action", ""))
        if work is None:
            raise SuspiciousOperation
        try:
            if not work(current):
                said = _("That is not possible any more: the import has gone on meanwhile.")
                self.message_user(request, said, messages.WARNING)
        except UserInputError as error:
            self.message_user(request, sentence(error.code, **error.context), messages.ERROR)
        return redirect("admin:ingestion_import_change", current.pk)

    def failures_csv(self, request: HttpRequest, import_id: UUID) -> StreamingHttpResponse:
        """Return what was refused, as a CSV."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        current = get_object_or_404(self.get_queryset(request), pk=import_id)
        response = StreamingHttpResponse(failures_csv(current), content_type="text/csv")
        response["Content-Disposition"] = f'attachment; filename="failures-{current.pk}.csv"'
        return response

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CappedList]:
        """Return the list that asks for all progress at once."""
        return ImportChangeList

    @display(
        description=_("state"),
        ordering="state",
        label={
            State.RUNNING: "info",
            State.PAUSED: "warning",
            State.FINISHED: "success",
            State.FAILED: "danger",
            State.INTERRUPTED: "danger",
        },
    )
    def state_badge(self, current: Import) -> tuple[str, Any]:
        """Return the state and its name."""
        return current.state, current.get_state_display()

    @display(description=_("started"), ordering="created_at")
    def started(self, current: Import) -> str:
        """Return the day and minute, short."""
        return date_format(localtime(current.created_at), "SHORT_DATETIME_FORMAT")

    @display(description=_("error"), empty_value="")
    def problem(self, current: Import) -> str:
        """Return why it failed, in the words of its error."""
        return sentence(current.error_code, **current.error_context) if current.error_code else ""

    @display(description=_("read"))
    def reading(self, current: Import) -> str:
        """Return how many files were read, how fast, and how long it will go on."""
        return present_reading(current)

    @display(description=_("described"))
    def bar(self, current: Any) -> str:
        """Return the progress of indexing, as a bar and in numbers."""
        return render_to_string("ingestion/progress.html", {"progress": current.progress})

    @display(description=_("passed over"))
    def what_was_passed_over(self, current: Import) -> str:
        """Return how many files of which kinds the source passed over."""
        return present_passed_over(current.passed_over)

    @display(description=_("images"))
    def its_images(self, current: Import) -> str:
        """Return a link to the images of this import."""
        url = reverse("admin:catalog_image_changelist", query={"imports__id__exact": current.pk})
        return format_html('<a href="{}" class="underline">{}</a>', url, gettext("Show them"))


@admin.register(WatchedFolder)
class WatchedFolderAdmin(ReadOnlyAdmin):
    """Watched folders: added, paused, removed, by whoever may start imports."""

    list_display = ("path", "state_badge", "looked_at", "import_link", "what_was_passed_over")
    list_select_related = ("last_import",)
    fields = (
        *("path", "state", "problem", "looked_at", "import_link", "what_was_passed_over"),
        "added_by",
    )
    actions = ("pause", "go_on")

    def get_queryset(self, request: HttpRequest) -> QuerySet[WatchedFolder]:
        """Return those that this person may know of, without what is known of their files."""
        return list_watched_folders(request.user).defer("known")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Let in who may start imports: a folder begins them."""
        return request.user.has_perm("ingestion.add_import")

    has_module_permission = has_add_permission

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """As for adding: it is a path of the server's."""
        return self.has_add_permission(request)

    has_delete_permission = has_view_permission

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Ask for a folder, and have it watched."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = WatchFolderForm(request.POST) if request.method == "POST" else WatchFolderForm()
        if form.is_valid():
            path = form.cleaned_data["path"].strip()
            try:
                services.watch(path, options=form.options(), added_by_id=request.user.pk)
            except UserInputError as error:
                form.add_error("path", sentence(error.code, **error.context))
            else:
                said = _("What is in the folder is taken in within a minute, and so is what comes.")
                self.message_user(request, said, messages.SUCCESS)
                return redirect("admin:ingestion_watchedfolder_changelist")
        context = {
            **self.admin_site.each_context(request),
            "title": _("Watch a folder"),
            "lead": _(
                "New and changed pictures in it are taken in within a minute or so. Files are "
                "never moved or changed; where one is removed, its picture stays."
            ),
            "submit_label": _("Watch the folder"),
            "opts": self.opts,
            "media": self.media + form.media,
            "form": form,
            "roots": settings.INGEST_ROOTS,
        }
        return TemplateResponse(request, "admin/ingestion/import/new.html", context)

    def delete_model(self, request: HttpRequest, obj: WatchedFolder) -> None:
        """Have it watched no more."""
        services.stop_watching(obj, by_id=request.user.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[WatchedFolder]) -> None:
        """Have them watched no more."""
        for folder in queryset:
            self.delete_model(request, folder)

    @admin.action(permissions=["add"], description=_("Pause"))
    def pause(self, request: HttpRequest, queryset: QuerySet[WatchedFolder]) -> None:
        """Look at the chosen ones no more, for now."""
        for folder in queryset:
            services.pause_watching(folder, is_paused=True, by_id=request.user.pk)

    @admin.action(permissions=["add"], description=_("Watch again"))
    def go_on(self, request: HttpRequest, queryset: QuerySet[WatchedFolder]) -> None:
        """Look at the chosen ones again."""
        for folder in queryset:
            services.pause_watching(folder, is_paused=False, by_id=request.user.pk)

    @display(
        description=_("state"),
        label={"watched": "success", "importing": "info", "paused": "warning", "failing": "danger"},
    )
    def state_badge(self, folder: WatchedFolder) -> tuple[str, Any]:
        """Return what becomes of it, and in words."""
        if folder.is_paused:
            return "paused", _("paused")
        if folder.error_code:
            return "failing", _("cannot be read")
        if folder.waits_for_import:
            return "importing", _("waits for its import")
        return "watched", _("watched")

    @display(description=_("state"))
    def state(self, folder: WatchedFolder) -> str:
        """Return it in words, for the folder's own page."""
        return str(self.state_badge(folder)[1])

    @display(description=_("error"), empty_value="")
    def problem(self, folder: WatchedFolder) -> str:
        """Return why it cannot be read."""
        return sentence(folder.error_code, **folder.error_context) if folder.error_code else ""

    @display(description=_("latest import"), empty_value="–")
    def import_link(self, folder: WatchedFolder) -> str | None:
        """Return a link to the import that was begun last."""
        latest = folder.last_import
        if latest is None:
            return None
        url = reverse("admin:ingestion_import_change", args=(latest.pk,))
        day = date_format(localtime(latest.created_at), "SHORT_DATETIME_FORMAT")
        return format_html(
            '<a href="{}" class="underline">{} · {}</a>', url, day, latest.get_state_display()
        )

    @display(description=_("passed over"), empty_value="–")
    def what_was_passed_over(self, folder: WatchedFolder) -> str:
        """Return how many files of which kinds the latest look passed over."""
        return present_passed_over(folder.passed_over)
