"""Addresses of the API."""

from typing import Any

from django.urls import path

from api import views
from api.site import api

app_name = "api"

# Addresses that take files, and how many bytes of them.
_FILES = {
    "search": "UPLOAD_MAX_BYTES",
    "images": "UPLOAD_MAX_FORM_BYTES",
    "import_files": "UPLOAD_MAX_FORM_BYTES",
}


def _patterns() -> list[Any]:
    all_patterns: list[Any] = list(api.urls[0])
    patterns = [each for each in all_patterns if each.name != "api-root"]
    for each in patterns:
        if each.name in _FILES:
            each.callback.max_files_setting = _FILES[each.name]
    return patterns


urlpatterns = [
    path("", views.root, name="root"),
    path("openapi.json", views.openapi, name="openapi"),
    path("docs", views.reference, name="docs"),
    *_patterns(),
]
