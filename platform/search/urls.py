"""The search page."""

from django.urls import path

from search import comparison_view, known_values_view, report_view, saved_views, views

app_name = "search"
urlpatterns = [
    path("result.pdf", report_view.result_pdf, name="result_pdf"),
    path("result.csv", report_view.result_csv, name="result_csv"),
    path("comparisons/", comparison_view.comparison, name="comparison"),
    path("comparisons/page", comparison_view.comparison_page, name="comparison_page"),
    path("", views.page, name="page"),
    path("filters/values", known_values_view.known_values, name="known_values"),
    path("queries/<uuid:query_id>.jpg", views.query_preview, name="query"),
    path("searches/", saved_views.saved_searches, name="saved"),
    path("searches/save", saved_views.save, name="save"),
    path("searches/<uuid:search_id>/rename", saved_views.rename, name="saved_rename"),
    path("searches/<uuid:search_id>/delete", saved_views.delete, name="saved_delete"),
    path("searches/<uuid:search_id>.jpg", saved_views.thumbnail, name="saved_thumbnail"),
    path("images/<uuid:image_id>/preview.jpg", views.image_preview, name="image_preview"),
]
