"""Saved searches, to look at: whose they are, and what they are called."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse

from jobs.admin import ReadOnlyAdmin
from search.models import SavedSearch


@admin.register(SavedSearch)
class SavedSearchAdmin(ReadOnlyAdmin):
    """Who has saved how much; addresses are their owners' affair, since who has one may search."""

    list_display = ("owner", "created_at")
    list_select_related = ("owner",)
    fields = ("owner", "created_at")

    actions = None

    def delete_view(self, *_args: Any, **_kwargs: Any) -> HttpResponse:
        """Refuse: a saved search is deleted by its owner, or goes with the account."""
        raise PermissionDenied

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Who may delete accounts: these go with them, and the admin asks about each."""
        return bool(request.user.has_perm("auth.delete_user"))
