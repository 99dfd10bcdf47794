"""Watches, to look at: whose they are, and what became of their webhooks."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse

from catalog.visibility import hidden_albums
from jobs.admin import ReadOnlyAdmin
from watches.models import Watch


@admin.register(Watch)
class WatchAdmin(ReadOnlyAdmin):
    """Who watches how much; what is watched and found is its owner's affair."""

    list_display = ("owner", "rung", "by_mail", "created_at")
    list_select_related = ("owner",)
    fields = ("owner", "rung", "by_mail", "created_at")

    actions = None

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        """Leave out those of albums that this person may not know of."""
        hidden = list(hidden_albums(request.user))
        watches: models.QuerySet = super().get_queryset(request)
        return watches.exclude(album__in=hidden) if hidden else watches

    def delete_view(self, *_args: Any, **_kwargs: Any) -> HttpResponse:
        """Refuse: a watch is ended by its owner, or goes with what it watches."""
        raise PermissionDenied

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Who may delete accounts or albums: these go with them, and the admin asks about each."""
        return any(map(request.user.has_perm, ("auth.delete_user", "catalog.delete_album")))
