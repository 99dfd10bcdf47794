"""Watches, to look at: whose they are, and what became of their webhooks."""

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from jobs.admin import ReadOnlyAdmin
from watches.models import Watch


@admin.register(Watch)
class WatchAdmin(ReadOnlyAdmin):
    """Who watches how much; what is watched and found is its owner's affair."""

    list_display = ("owner", "rung", "by_mail", "created_at")
    list_select_related = ("owner",)
    fields = ("owner", "rung", "by_mail", "created_at")

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Who may delete accounts or albums: these go with them, and the admin asks about each."""
        return any(map(request.user.has_perm, ("auth.delete_user", "catalog.delete_album")))
