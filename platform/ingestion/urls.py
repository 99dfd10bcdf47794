"""The upload form."""

from django.urls import path

from ingestion import views

app_name = "ingestion"
urlpatterns = [path("upload/", views.upload, name="upload")]
