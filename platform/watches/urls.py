"""The pages of watches."""

from django.urls import path

from watches import views

app_name = "watches"
urlpatterns = [
    path("", views.watches, name="watches"),
    path("new", views.new, name="new"),
    path("seen", views.seen, name="seen"),
    path("<uuid:watch_id>/", views.watch, name="watch"),
    path("<uuid:watch_id>/change", views.change, name="change"),
    path("<uuid:watch_id>/secret", views.renew, name="renew"),
    path("<uuid:watch_id>/end", views.end, name="end"),
]
