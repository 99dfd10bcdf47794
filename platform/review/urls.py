"""Decisions about hits."""

from django.urls import path

from review import views

app_name = "review"
urlpatterns = [path("decisions/", views.decide, name="decide")]
