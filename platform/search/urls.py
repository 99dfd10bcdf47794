"""The search page."""

from django.urls import path

from search import comparison_view, report_view, views

app_name = "search"
urlpatterns = [
    path("result.pdf", report_view.result_pdf, name="result_pdf"),
    path("result.csv", report_view.result_csv, name="result_csv"),
    path("comparisons/", comparison_view.comparison, name="comparison"),
    path("", views.page, name="page"),
    path("queries/<uuid:query_id>.jpg", views.query_preview, name="query"),
    path("images/<uuid:image_id>/preview.jpg", views.image_preview, name="image_preview"),
]
