"""Tokens: people make and revoke their own; others' are for who has the permission."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from api import services
from api.models import ApiToken
from site_http.capped_lists import CappedAdmin

_DAYS = ((30, _("30 days")), (90, _("90 days")), (365, _("a year")), (0, _("never")))


class ApiTokenForm(ModelForm):
    """What a token is for, what it may, and how long."""

    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        choices=ApiToken.Scope.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("What it may do, as far as you may yourself at that moment."),
    )
    days = forms.TypedChoiceField(label=_("Expires"), choices=_DAYS, coerce=int, initial=90)

    class Meta:
        """What is said below a field."""

        model = ApiToken
        fields = ("name",)


@admin.register(ApiToken)
class ApiTokenAdmin(CappedAdmin):
    """Tokens, to make, to look at and to revoke; none is changed."""

    form = ApiTokenForm
    change_form_outer_before_template = "admin/api/apitoken/revoke.html"
    list_display = ("name", "owner", "prefix", "scopes_shown", "state", "last_used_at")
    list_select_related = ("owner",)
    list_per_page = 50
    search_fields = ("name", "prefix")
    actions = ("revoke_chosen",)
    fieldsets = ((None, {"fields": ("name", "scopes", "days")}),)
    _shown = (
        *("name", "owner", "prefix", "scopes_shown", "state"),
        *("created_at", "expires_at", "last_used_at", "revoked_at"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        """Return one's own, and all for who may see or revoke those of others."""
        tokens: QuerySet[ApiToken] = super().get_queryset(request)
        sees_all = any(map(request.user.has_perm, ("api.view_apitoken", "api.delete_apitoken")))
        return tokens if sees_all else tokens.filter(owner=request.user.pk)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the form of a new one, or all that is known of one."""
        return self.fieldsets if obj is None else ((None, {"fields": self._shown}),)

    def get_urls(self) -> list[URLPattern]:
        """Add the button that revokes one."""
        view = self.admin_site.admin_view(self.revoke)
        revoke = path("<int:token_id>/revoke/", view, name="api_apitoken_revoke")
        return [revoke, *super().get_urls()]

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let in who has tokens, or sees those of others."""
        names = ("add", "view", "delete")
        return any(request.user.has_perm(f"api.{name}_apitoken") for name in names)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never: who needs another one makes it."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never: a token that was revoked stays to be seen."""
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Let revoke who sees the list; whose tokens is asked of each."""
        return self.has_view_permission(request)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, *args: Any) -> None:
        """Make the token."""
        days = form.cleaned_data["days"]
        token, secret = services.make_token(
            owner=request.user,
            name=obj.name,
            scopes=form.cleaned_data["scopes"],
            expires_at=timezone.now() + timedelta(days=days) if days else None,
        )
        obj.__dict__.update(token.__dict__)  # what follows shows and records the one that was made
        obj.secret = secret

    def response_add(self, request: HttpRequest, obj: Any, *args: Any) -> HttpResponse:
        """Show the secret, this once."""
        context = {
            **self.admin_site.each_context(request),
            "title": _("The token is made"),
            "token": obj,
            "opts": self.opts,
        }
        response = TemplateResponse(request, "admin/api/apitoken/made.html", context)
        response["Cache-Control"] = "no-store"
        return response

    def change_view(self, request: HttpRequest, object_id: str, *args: Any) -> HttpResponse:
        """Show a token, and the button that revokes it to who may."""
        token = self.get_object(request, object_id)
        may = token is not None and token.revoked_at is None and _may_revoke(request, token)
        response: HttpResponse = super().change_view(request, object_id, "", {"may_revoke": may})
        return response

    def revoke(self, request: HttpRequest, token_id: int) -> HttpResponse:
        """Revoke one token."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_view_permission(request):
            raise PermissionDenied
        token = get_object_or_404(self.get_queryset(request), pk=token_id)
        if not _may_revoke(request, token):
            raise PermissionDenied
        services.revoke_token(token, by_id=request.user.pk)
        self.message_user(request, _("The token counts no more."), messages.SUCCESS)
        return redirect("admin:api_apitoken_changelist")

    @admin.action(permissions=["revoke"], description=_("Revoke"))
    def revoke_chosen(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        """Revoke the chosen tokens that one may."""
        theirs = [token for token in queryset if _may_revoke(request, token)]
        revoked = sum(services.revoke_token(token, by_id=request.user.pk) for token in theirs)
        said = _("Revoked: {count}.").format(count=revoked)
        self.message_user(request, said, messages.SUCCESS if revoked else messages.WARNING)

    @display(description=_("scopes"))
    def scopes_shown(self, token: ApiToken) -> str:
        """Return what it may, in the document's words."""
        return ", ".join(token.scopes)

    @display(
        description=_("state"), label={"active": "success", "expired": "", "revoked": "danger"}
    )
    def state(self, token: ApiToken) -> tuple[str, Any]:
        """Return whether it counts."""
        if token.revoked_at is not None:
            return "revoked", _("revoked")
        return ("expired", _("expired")) if token.is_expired else ("active", _("active"))


def _may_revoke(request: HttpRequest, token: ApiToken) -> bool:
    is_own = token.owner_id == request.user.pk
    return is_own or request.user.has_perm("api.delete_apitoken")
