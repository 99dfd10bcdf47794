"""Static files, from the packages that carry them, under addresses that change with their content.

An address is `/static/<digest>/unfold/css/styles.css`: the digest is that of all files in the first
folder of the name, so that what a style sheet names beside itself has the same one, and nothing in
a file has to be rewritten (docs/adr/0042). There is no step that collects anything.
"""

import gzip
import hashlib
import io
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from wsgiref.headers import Headers

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.http import HttpRequest, HttpResponse
from django.utils.http import parse_etags
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import Response, StaticFile

from site_http.compression import accepts_gzip, is_compressible

_DIGEST_CHARS: Final = 12
_DIGESTED = re.compile(rf"([0-9a-f]{{{_DIGEST_CHARS}}})/(.+)", re.DOTALL)


def _list_files() -> Iterator[tuple[str, Path]]:
    """Yield names of static files and where they lie; of several of a name the first counts."""
    seen = set()
    for finder in finders.get_finders():
        for name, storage in finder.list(None):
            if name not in seen:
                seen.add(name)
                yield name, Path(storage.path(name))


@cache
def digests() -> Mapping[str, str]:
    """Return the first folder of static files' names → digest of its files, once a process."""
    files = defaultdict(list)
    for name, path in _list_files():
        folder, _, inside = name.partition("/")
        if inside:
            files[folder].append((name, path))
    return {folder: _digest(sorted(each)) for folder, each in files.items()}


def _digest(files: list[tuple[str, Path]]) -> str:
    digest = hashlib.sha256()
    for name, path in files:
        content = path.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:_DIGEST_CHARS]


class DigestedStorage(StaticFilesStorage):
    """Tells the address of a static file; while DEBUG is on, its plain one, for files change."""

    def url(self, name: str | None) -> str:
        """Return the address, with its folder's digest where it is in one."""
        if settings.DEBUG or not name:
            return super().url(name)
        digest = digests().get(name.partition("/")[0])
        return super().url(f"{digest}/{name}" if digest else name)


class _ServedFile(StaticFile):
    """A static file, compressed once it is asked for so, and then kept in memory."""

    path: str
    is_compressible: bool

    def get_headers(self, headers_list: Any, files: Any) -> Any:
        """Return the headers of all its answers."""
        headers = super().get_headers(headers_list, files)
        self.path = files[None].path
        self.is_compressible = is_compressible(headers["Content-Type"] or "")
        if self.is_compressible:
            headers["Vary"] = "Accept-Encoding"
        return headers

    def get_response(self, method: str, request_headers: Mapping[str, str]) -> Response:
        """Return the answer to a request, compressed where that is wanted and shorter."""
        response = super().get_response(method, request_headers)
        takes_gzip = accepts_gzip(request_headers.get("HTTP_ACCEPT_ENCODING", ""))
        is_whole = response.status == HTTPStatus.OK
        if not (is_whole and self.is_compressible and takes_gzip) or self._compressed is None:
            return response
        if response.file is not None:
            response.file.close()
        changed = {
            "Content-Encoding": "gzip",
            "Content-Length": str(len(self._compressed)),
            "ETag": f"W/{self.etag}",  # these are other bytes of the same file
        }
        headers = [each for each in response.headers if each[0] not in changed]
        file = None if method == "HEAD" else io.BytesIO(self._compressed)
        return Response(HTTPStatus.OK, [*headers, *changed.items()], file)

    def is_not_modified(self, request_headers: Mapping[str, str]) -> bool:
        """Return whether the browser has it, compressed or not."""
        known = request_headers.get("HTTP_IF_NONE_MATCH")
        if known is None:
            return bool(super().is_not_modified(request_headers))
        tags = {tag.removeprefix("W/") for tag in parse_etags(known)}
        return bool(tags & {"*", self.etag})

    @cached_property
    def _compressed(self) -> bytes | None:
        content = Path(self.path).read_bytes()
        compressed = gzip.compress(content, mtime=0)
        return compressed if len(compressed) < len(content) else None


@dataclass(frozen=True, slots=True)
class _Address:
    """The name of a static file in an address, and whether the digest there is today's."""

    name: str
    is_current: bool


class StaticFilesMiddleware(WhiteNoiseMiddleware):
    """Serves static files, and those of `site_http/root` at the top of the site.

    Under its digest a file may be kept for ever. Who asks with another digest, as a page of the
    release before does, gets the file that there is, and keeps it for no time.
    """

    FOREVER = 365 * 24 * 60 * 60

    def __init__(self, get_response: Any = None) -> None:
        self._by_digest: dict[_Address, _ServedFile] = {}
        super().__init__(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with the file of that address, or pass the request on."""
        file = self._find_by_digest(request.path_info)
        response: HttpResponse = (
            super().__call__(request) if file is None else self.serve(file, request)
        )
        return response

    def get_static_file(self, path: str, url: str, stat_cache: Any = None) -> _ServedFile:
        """Return a file that is compressed in memory, not beside itself."""
        headers = Headers([])
        self.add_mime_headers(headers, path, url)
        self.add_cache_headers(headers, path, url)
        return _ServedFile(path, headers.items(), stat_cache=stat_cache)

    def add_cache_headers(self, headers: Headers, path: str, url: str) -> None:
        """Say how long a file may be kept."""
        address = self._parse(url)
        if address is not None and not address.is_current:
            headers["Cache-Control"] = "no-cache"
        else:
            super().add_cache_headers(headers, path, url)

    def immutable_file_test(self, path: str, url: str) -> bool:
        """Return whether an address changes with the file's content."""
        address = self._parse(url)
        return address is not None and address.is_current

    def _parse(self, url: str) -> _Address | None:
        if not url.startswith(self.static_prefix):
            return None
        match = _DIGESTED.fullmatch(url[len(self.static_prefix) :])
        if match is None:
            return None
        digest, name = match.groups()
        return _Address(name, is_current=digests().get(name.partition("/")[0]) == digest)

    def _find_by_digest(self, url: str) -> _ServedFile | None:
        address = self._parse(url)
        if address is None:
            return None
        if address not in self._by_digest:
            plain = self.files.get(f"{self.static_prefix}{address.name}")
            if plain is None:
                return None
            self._by_digest[address] = self.get_static_file(plain.path, url)
        return self._by_digest[address]
