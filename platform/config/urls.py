"""Every address of the site."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.http import Http404
from django.urls import include, path, re_path
from django.views.defaults import page_not_found

from config import admin as _accounts  # noqa: F401  # registers accounts once all apps are ready
from config import checks as _checks  # noqa: F401  # registers them
from config import dashboard
from config.health import healthz, readyz
from config.monitoring import metrics

handler500 = "config.error_pages.server_error"
urlpatterns = [
    path("", include("search.urls")),
    path("", include("catalog.urls")),
    path("", include("ingestion.urls")),
    path("watches/", include("watches.urls")),
    path("", include("review.urls")),
    path("api/v1/", include("api.urls")),
    path("account/", include("accounts.urls")),
    path("login/", LoginView.as_view(template_name="login.html"), name="login"),
    path("logout/", LogoutView.as_view(next_page="search:page"), name="logout"),
    # The admin's way from a row to its page asks nobody who may see it; no page of ours uses it.
    re_path("^admin/r/", page_not_found, {"exception": Http404()}),
    path("admin/parts/", admin.site.admin_view(dashboard.parts), name="admin_parts"),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
]
