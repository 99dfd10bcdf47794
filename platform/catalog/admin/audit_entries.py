"""The audit log, for those from whom nothing is hidden."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from audit_log.admin import AuditEntryAdmin
from audit_log.models import AuditEntry
from catalog.visibility import hidden_albums


@admin.register(AuditEntry)
class OpenAuditEntryAdmin(AuditEntryAdmin):
    """The audit log; empty for whom any album is hidden from: entries have titles and old values.

    An entry outlasts the image that it is about, so that nobody could tell whose it was.
    """

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return all of it, or nothing."""
        entries: QuerySet[Any] = super().get_queryset(request)
        return entries.none() if hidden_albums(request.user) else entries
