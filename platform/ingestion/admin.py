"""Imports, to watch: what came, what was refused and why, and how far the workers are."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import display
from unfold.views import ChangeList

from ingestion.models import Import, ImportFailure
from ingestion.presenters import present_passed_over
from ingestion.selectors import find_progress, list_imports
from jobs.admin import ReadOnlyAdmin
from kernel.messages import sentence


class ImportChangeList(ChangeList):
    """A page of imports that knows the progress of all of them from one query."""

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
        return sentence(failure.error_code)


@admin.register(Import)
class ImportAdmin(ReadOnlyAdmin):
    """Imports and their progress."""

    list_display = (*("source", "state_badge", "bar", "added", "duplicates", "failed", "started"),)
    list_filter = ("state", "created_at")
    list_per_page = 20
    show_full_result_count = False
    search_fields = ("source",)
    fields = (
        *("source", "state", "bar", "its_images", "found", "added", "duplicates", "failed"),
        "what_was_passed_over",
        *("started_by", "created_at", "finished_at"),
    )
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

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list that asks for all progress at once."""
        return ImportChangeList

    @display(
        description=_("state"),
        ordering="state",
        label={
            Import.State.RUNNING: "info",
            Import.State.FINISHED: "success",
            Import.State.INTERRUPTED: "danger",
        },
    )
    def state_badge(self, current: Import) -> tuple[str, Any]:
        """Return the state and its name."""
        return current.state, current.get_state_display()

    @display(description=_("started"), ordering="created_at")
    def started(self, current: Import) -> str:
        """Return the day and minute, short."""
        return date_format(localtime(current.created_at), "SHORT_DATETIME_FORMAT")

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
