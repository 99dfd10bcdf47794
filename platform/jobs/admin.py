"""Jobs, to look at: what runs, what waits, what failed and why."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from jobs.models import JobRecord
from kernel.messages import sentence
from kernel.task_names import QUEUES
from site_http.capped_lists import CappedAdmin


class ReadOnlyAdmin(CappedAdmin):
    """Rows that only the system writes: staff may look, with the view permission."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Never."""
        return False


class FixedChoicesFilter(admin.SimpleListFilter):
    """A filter whose values are known beforehand: Django's own would ask the whole table."""

    parameter_name: str
    values: tuple[tuple[str, Any], ...]

    def lookups(self, request: HttpRequest, model_admin: Any) -> tuple[tuple[str, Any], ...]:
        """Return value and name of every choice."""
        return self.values

    def queryset(self, request: HttpRequest, queryset: models.QuerySet) -> models.QuerySet:
        """Return the rows with the chosen value in the field that the filter is named after."""
        value = self.value()
        return queryset.filter(**{self.parameter_name: value}) if value else queryset


class TaskFilter(FixedChoicesFilter):
    """By task."""

    title = _("task")
    parameter_name = "name"
    values = tuple((name, name) for name in QUEUES)


class QueueFilter(FixedChoicesFilter):
    """By queue."""

    title = _("queue")
    parameter_name = "queue"
    values = tuple((queue, queue) for queue in sorted(set(QUEUES.values())))


@admin.register(JobRecord)
class JobRecordAdmin(ReadOnlyAdmin):
    """Jobs of the last days."""

    list_display = (
        *("name", "state_badge", "queue", "deliveries", "problem"),
        *("created_at", "started_at", "finished_at"),
    )
    list_filter = ("state", QueueFilter, TaskFilter, "created_at")
    search_fields = ("=id",)
    fields = (
        *("id", "name", "queue", "arguments", "state", "problem", "error_code"),
        *("deliveries", "given_back", "created_at", "sent_at", "started_at"),
        *("heartbeat_at", "finished_at"),
    )

    def get_fields(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        """Leave the arguments out for all but superusers: they name images, private ones too."""
        hidden = set() if request.user.is_superuser else {"arguments"}
        return [name for name in super().get_fields(request, obj) if name not in hidden]

    @display(
        description=_("state"),
        ordering="state",
        label={
            JobRecord.State.QUEUED: "info",
            JobRecord.State.RUNNING: "warning",
            JobRecord.State.SUCCEEDED: "success",
            JobRecord.State.FAILED: "danger",
        },
    )
    def state_badge(self, job: JobRecord) -> tuple[str, Any]:
        """Return the state and its name."""
        return job.state, job.get_state_display()

    @display(description=_("error"), empty_value="")
    def problem(self, job: JobRecord) -> str:
        """Return the sentence of the error that the job ended with."""
        return sentence(job.error_code) if job.error_code else ""
