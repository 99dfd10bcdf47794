"""The admin's first page; accounts and groups, in the look of the rest of the admin."""

from http import HTTPStatus

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from audit_log.admin import AuditedAdmin
from audit_log.models import AuditEntry
from audit_log.services import record

admin.site.unregister((User, Group))
admin.site.index_template = "admin/dashboard.html"  # its figures: `config.dashboard`


@admin.register(User)
class UserAdmin(AuditedAdmin, DjangoUserAdmin, ModelAdmin):
    """Accounts."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    filter_horizontal = ()  # two lists side by side need more room than a page has

    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        """Change it, and record that it was; Django sends elsewhere once it is."""
        response = super().user_change_password(request, id, form_url)
        if request.method == "POST" and response.status_code == HTTPStatus.FOUND:
            about = self.get_object(request, id)
            details = {"password": [None, None]}
            record(AuditEntry.Action.CHANGED, about, actor_id=request.user.pk, details=details)
        return response


@admin.register(Group)
class GroupAdmin(AuditedAdmin, DjangoGroupAdmin, ModelAdmin):
    """Groups and their permissions."""

    filter_horizontal = ()
