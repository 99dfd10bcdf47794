"""A POST that is sent twice is done once: its answer is kept under the key that came with it."""

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse

from api.bodies import MULTIPART, sent_bytes
from api.models import KeptAnswer
from api.services import list_over_answers
from kernel.errors import ConflictError, UserInputError

Endpoint = Callable[..., HttpResponse]
HEADER: Final = "Idempotency-Key"
_MAX_CHARS: Final = 200
_KEPT_HEADERS: Final = ("Content-Type", "Location", "Retry-After")
_SERVER_ERROR: Final = 500
_TOO_MANY: Final = 429


def idempotent(endpoint: Endpoint) -> Endpoint:
    """Let callers send a key with a request; what comes again under it is answered as before.

    Another request under the same key is refused, and so is the same one while the first is still
    under way. A failure that is ours, or that waiting mends, is not kept: the next try counts.
    """

    @wraps(endpoint)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        key = request.headers.get(HEADER, "")
        if not key:
            return endpoint(request, *args, **kwargs)
        if len(key) > _MAX_CHARS or not key.isprintable():
            raise UserInputError("request:user:bad-idempotency-key")
        token_id = request.auth.token.pk  # type: ignore[attr-defined]
        kept = _begin(token_id, key, _fingerprint(request))
        if kept.status is not None:
            return _repeated(kept)
        return _keep(kept, lambda: endpoint(request, *args, **kwargs))

    guarded.is_idempotent = True  # type: ignore[attr-defined]  # for the document
    return guarded


def _begin(token_id: int, key: str, fingerprint: str) -> KeptAnswer:
    """Return the row of a key, made now or by an earlier request of the same kind.

    Raises:
        UserInputError: "request:user:idempotency-key-reused".
        ConflictError: "request:conflict:under-way".
    """
    list_over_answers().filter(token=token_id, key=key).delete()  # maintenance sees to the others
    kept, is_new = KeptAnswer.objects.get_or_create(
        token_id=token_id, key=key, defaults={"fingerprint": fingerprint}
    )
    if kept.fingerprint != fingerprint:
        raise UserInputError("request:user:idempotency-key-reused")
    if not is_new and kept.status is None:
        raise ConflictError("request:conflict:under-way")
    return kept


def _keep(kept: KeptAnswer, answer: Callable[[], HttpResponse]) -> HttpResponse:
    try:
        response = answer()
    except Exception:
        kept.delete()
        raise
    if response.status_code >= _SERVER_ERROR or response.status_code == _TOO_MANY:
        kept.delete()
        return response
    headers = {name: response[name] for name in _KEPT_HEADERS if response.has_header(name)}
    # The row may be gone by now, with its token or as one that took too long: what is done is done.
    KeptAnswer.objects.filter(pk=kept.pk).update(
        status=response.status_code, headers=headers, body=response.content.decode()
    )
    return response


def _repeated(kept: KeptAnswer) -> HttpResponse:
    response = HttpResponse(kept.body, status=kept.status, headers=kept.headers)
    response["Idempotency-Replayed"] = "true"
    return response


def _fingerprint(request: HttpRequest) -> str:
    """Return a hash of what is asked, whatever a form's parts are divided by."""
    digest = hashlib.sha256()
    for text in (request.method or "", request.get_full_path(), request.content_type or ""):
        digest.update(f"{len(text)}:{text}".encode(errors="replace"))
    if request.content_type == MULTIPART:
        for name, values in sorted(request.POST.lists()):
            digest.update(repr((name, values)).encode(errors="replace"))
        for name, files in sorted(request.FILES.lists()):
            for file in files:
                digest.update(repr((name, file.name)).encode(errors="replace"))
                _add_file(digest, file)
    else:
        digest.update(sent_bytes(request))
    return digest.hexdigest()


def _add_file(digest: Any, file: "UploadedFile[Any]") -> None:
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
