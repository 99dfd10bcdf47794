"""One's own account."""

from django.contrib.auth.views import PasswordChangeDoneView, PasswordChangeView
from django.urls import path, reverse_lazy

app_name = "accounts"
urlpatterns = [
    path(
        "password/",
        PasswordChangeView.as_view(
            template_name="accounts/password.html",
            success_url=reverse_lazy("accounts:password_changed"),
        ),
        name="password",
    ),
    path(
        "password/changed/",
        PasswordChangeDoneView.as_view(template_name="accounts/password_changed.html"),
        name="password_changed",
    ),
]
