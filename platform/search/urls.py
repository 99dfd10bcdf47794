"""The search page."""

from django.urls import path

from search import views

app_name = "search"
urlpatterns = [
    path("", views.page, name="page"),
    path("queries/<uuid:query_id>.jpg", views.query_preview, name="query"),
    path("images/<uuid:image_id>/preview.jpg", views.image_preview, name="image_preview"),
]
