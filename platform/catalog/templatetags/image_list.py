"""The admin's list of images, with rows in a template of our own.

Unfold renders the table's heads anew for every row, and each checkbox and label from a template.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import template
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.urls import reverse
from unfold.templatetags.unfold_list import result_headers
from unfold.widgets import CHECKBOX_CLASSES

from catalog.models import Image
from catalog.presenters import similar_url, webp_url
from catalog.storage import ThumbnailSize
from kernel.messages import sentence

if TYPE_CHECKING:  # the admin renders templates while it is imported
    from catalog.admin.image_list import ImageList

register = template.Library()

_COLOURS = {
    Image.Status.QUEUED: "bg-blue-100 text-blue-700 dark:bg-blue-500/20 dark:text-blue-400",
    Image.Status.INDEXED: "bg-green-100 text-green-700 dark:bg-green-500/20 dark:text-green-400",
    Image.Status.FAILED: "bg-red-100 text-red-700 dark:bg-red-500/20 dark:text-red-400",
    Image.Status.DELETING: "bg-orange-100 text-orange-700 "
    "dark:bg-orange-500/20 dark:text-orange-400",
}


@dataclass(frozen=True, slots=True)
class ImageRow:
    """An image as the list shows it; `problem` is empty where there is none."""

    image: Image
    url: str
    similar_url: str
    thumbnail_url: str
    colours: str
    problem: str


@register.inclusion_tag("admin/catalog/image/rows.html", takes_context=True)
def image_rows(context: Mapping[str, Any], cl: "ImageList") -> dict[str, Any]:
    """Return what the list's table is rendered from."""
    headers = list(result_headers(cl))
    return {
        "cl": cl,
        "result_headers": headers,
        "num_sorted_fields": sum(header.get("sorted", False) for header in headers),
        "rows": tuple(_rows(cl)),
        "checkbox_name": ACTION_CHECKBOX_NAME,
        "checkbox_classes": " ".join(CHECKBOX_CLASSES),
        "has_checkboxes": "action_checkbox" in cl.list_display,
        "has_add_permission": context["has_add_permission"],
    }


def _rows(cl: "ImageList") -> Iterator[ImageRow]:
    # The filters that the list is left with, to come back to; the same for every row.
    query = f"?{cl.preserved_filters}" if cl.preserved_filters else ""
    size = ThumbnailSize.LARGE if cl.is_grid else ThumbnailSize.SMALL
    for image in cl.result_list:
        yield ImageRow(
            image=image,
            url=reverse("admin:catalog_image_change", args=(image.pk,)) + query,
            similar_url=similar_url(image),
            thumbnail_url=webp_url(image, size),
            colours=_COLOURS[image.status],
            problem=sentence(image.error_code) if image.error_code else "",
        )
