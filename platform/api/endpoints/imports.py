"""Imports: planned, started, watched, paused, resumed, cancelled, tried again."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from ninja import Query, Router

from api.answers import respond
from api.bodies import MULTIPART
from api.cursors import page_by_id, page_of
from api.idempotency import idempotent
from api.schemas.base import DEFAULT_LIMIT, Cursor, Limit
from api.schemas.imports import (
    FailureJson,
    FailuresJson,
    ImportAction,
    ImportFileOptions,
    ImportFilters,
    ImportJson,
    ImportsJson,
    SourceAsked,
    import_json,
)
from api.security import Needs, Scope
from ingestion import services
from ingestion.models import Import
from ingestion.selectors import find_progress, list_imports
from kernel.errors import ConflictError, UserInputError
from site_http.limits import Limited, take

router = Router(tags=["imports"])
READS = Needs(Scope.IMPORTS_READ, "ingestion.view_import", is_of_admin=True)
NEEDS = Needs(Scope.IMPORTS_WRITE, "ingestion.add_import", is_of_admin=True)
_FILES = {
    "requestBody": {
        "required": True,
        "content": {
            MULTIPART: {
                "schema": {
                    "type": "object",
                    "properties": {
                        "file": {"type": "array", "items": {"type": "string", "format": "binary"}}
                    },
                    "required": ["file"],
                }
            }
        },
    }
}


@router.get("/imports", url_name="imports", auth=READS, response=ImportsJson)
def imports(
    request: HttpRequest,
    filters: Query[ImportFilters],
    cursor: Cursor = "",
    limit: Limit = DEFAULT_LIMIT,
) -> HttpResponse:
    """List the imports that you may know of, the newest first."""
    found = list_imports(request.user)
    if filters.state is not None:
        found = found.filter(state=filters.state)
    page, next_cursor = page_of(found, cursor, limit)
    progress = find_progress([each.pk for each in page], request.user)
    items = [import_json(each, progress[each.pk]) for each in page]
    return respond(ImportsJson(items=items, next_cursor=next_cursor))


@router.post("/imports", auth=NEEDS, response={202: ImportJson})
@idempotent
def plan_import(request: HttpRequest, asked: SourceAsked) -> HttpResponse:
    """Have workers look at what an address or a path would bring; `start` it once it has a plan.

    An address is https://…, s3://bucket/prefix, or a path that INGEST_ROOTS allows.
    """
    current = services.plan_import(
        source=asked.source, options=asked.options(), started_by_id=request.user.pk
    )
    return _answer(request, current.pk, status=202)


@router.post(
    "/imports/files",
    url_name="import_files",
    auth=NEEDS,
    response={202: ImportJson},
    openapi_extra=_FILES,
)
@idempotent
def plan_import_of_files(request: HttpRequest, options: Query[ImportFileOptions]) -> HttpResponse:
    """The same with files: pictures, an archive (ZIP, TAR), a manifest or a list of addresses."""
    if request.content_type != MULTIPART:
        raise UserInputError("request:user:unsupported-media")
    files = request.FILES.getlist("file")
    if not files:
        raise UserInputError("image:user:none-chosen")
    take(request, Limited.UPLOADS, len(files))
    current = services.plan_import(
        uploads=files, options=options.options(), started_by_id=request.user.pk
    )
    return _answer(request, current.pk, status=202)


@router.get("/imports/{uuid:import_id}", url_name="import", auth=READS, response=ImportJson)
def read_import(request: HttpRequest, import_id: UUID) -> HttpResponse:
    """Read how far an import is."""
    return _answer(request, import_id)


@router.get(
    "/imports/{uuid:import_id}/failures", url_name="failures", auth=READS, response=FailuresJson
)
def list_failures(
    request: HttpRequest, import_id: UUID, cursor: Cursor = "", limit: Limit = DEFAULT_LIMIT
) -> HttpResponse:
    """List the files that an import refused, and why."""
    current = get_object_or_404(list_imports(request.user), pk=import_id)
    page, next_cursor = page_by_id(current.failures.all(), cursor, limit)
    items = [FailureJson.of(each) for each in page]
    return respond(FailuresJson(items=items, next_cursor=next_cursor))


@router.post(
    "/imports/{uuid:import_id}/{action}", url_name="do_import", auth=NEEDS, response=ImportJson
)
def do_with_import(request: HttpRequest, import_id: UUID, action: ImportAction) -> HttpResponse:
    """Start, pause, resume or cancel an import, or try again what it refused."""
    current = get_object_or_404(list_imports(request.user), pk=import_id)
    retry = partial(services.retry, failures=current.failures.all(), by_id=request.user.pk)
    actions: Mapping[str, Callable[[Import], Any]] = {
        "start": services.start,
        "pause": services.pause,
        "resume": services.resume,
        "cancel": services.cancel,
        "retry": retry,
    }
    if not actions[action](current):
        raise ConflictError("import:conflict:not-now")
    return _answer(request, import_id)


def _answer(request: HttpRequest, import_id: UUID, *, status: int = 200) -> HttpResponse:
    current = get_object_or_404(list_imports(request.user), pk=import_id)
    progress = find_progress([current.pk], request.user)[current.pk]
    headers = {"Location": reverse("api:import", args=(import_id,))} if status != 200 else {}  # noqa: PLR2004
    return respond(import_json(current, progress), status=status, headers=headers)
