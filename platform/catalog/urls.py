"""An image's page and files."""

from django.urls import path

from catalog import views

app_name = "catalog"
urlpatterns = [
    path("images/<uuid:image_id>/", views.image_page, name="image"),
    path("images/<uuid:image_id>/thumbnail.jpg", views.thumbnail, name="thumbnail"),
    path("images/<uuid:image_id>/<slug:size>.webp", views.webp_thumbnail, name="webp_thumbnail"),
    path("images/<uuid:image_id>/<slug:key>.jpg", views.region_thumbnail, name="region_thumbnail"),
    path(
        "images/<uuid:image_id>/<slug:key>/<slug:size>.webp",
        views.region_webp_thumbnail,
        name="region_webp_thumbnail",
    ),
    path("images/<uuid:image_id>/original", views.original, name="original"),
]
