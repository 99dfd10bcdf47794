"""Answers in words travel compressed; pictures, archives and parts of files as they are.

Attacks like BREACH learn a secret from the length of a page that repeats what the attacker sends.
Tokens of forms are masked anew in each page by Django, cookies go with no request that another
site's page makes in the background (SameSite), and each compressed answer is made longer by a
random number of bytes, Django's own way.
"""

from functools import lru_cache

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.cache import patch_vary_headers

_COMPRESSED = frozenset(
    {
        *("application/json", "application/problem+json", "application/x-ndjson"),
        *("application/javascript", "application/manifest+json", "application/xml"),
        "image/svg+xml",
    }
)


@lru_cache(maxsize=256)
def is_compressible(content_type: str) -> bool:
    """Return whether content of a type is words, which gzip makes several times shorter."""
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type.startswith("text/") or media_type in _COMPRESSED


@lru_cache(maxsize=256)
def accepts_gzip(accept_encoding: str) -> bool:
    """Return whether a request takes gzip, by its Accept-Encoding: named, and not with q=0."""
    for coding in accept_encoding.lower().split(","):
        name, _, parameters = coding.partition(";")
        if name.strip() in {"gzip", "x-gzip"}:
            quality = parameters.replace(" ", "").removeprefix("q=")
            return not quality or quality.strip("0.") != ""
    return False


class CompressionMiddleware(GZipMiddleware):
    """Compress answers in words for who takes them so."""

    def process_request(self, request: HttpRequest) -> None:
        """Know again the validators that compressing has made weak: If-Match takes strong ones."""
        if known := request.META.get("HTTP_IF_MATCH"):
            request.META["HTTP_IF_MATCH"] = known.replace('W/"', '"')

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Return the answer, compressed where that makes it shorter."""
        is_part = response.has_header("Content-Range")
        if is_part or not is_compressible(response.get("Content-Type", "")):
            return response
        if not accepts_gzip(request.headers.get("Accept-Encoding", "")):
            patch_vary_headers(response, ["Accept-Encoding"])
            return response
        return super().process_response(request, response)
