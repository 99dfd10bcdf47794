"""How a value is shown, in more than one of the admin's pages."""

from django.http import Http404, HttpResponse
from django.utils.html import format_html

from catalog import storage
from catalog.models import Image
from kernel.errors import FileMissing


def breakable(long_word: str) -> str:
    """Return a word, such as a hash, that a narrow screen may break."""
    return format_html('<span style="overflow-wrap:anywhere">{}</span>', long_word)


def thumbnail_response(image: Image) -> HttpResponse:
    """Return the thumbnail of an image that has no public address, a JPEG that no cache keeps.

    Raises:
        Http404: its file is gone.
    """
    try:
        jpeg = storage.read(storage.thumbnail_name(image.sha256))
    except FileMissing as error:
        raise Http404 from error
    return HttpResponse(jpeg, content_type="image/jpeg")
