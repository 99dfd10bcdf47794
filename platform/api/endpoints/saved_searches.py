"""Saved searches: listed, saved, renamed, deleted; each its owner's alone."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from ninja import Router

from api.answers import respond
from api.cursors import page_of
from api.idempotency import idempotent
from api.schemas.base import DEFAULT_LIMIT, Cursor, Limit
from api.schemas.saved_searches import (
    SavedSearchesJson,
    SavedSearchJson,
    SearchNamed,
    SearchSaved,
    saved_search_json,
)
from api.security import Needs, Scope
from search import saved
from search.models import SavedSearch

router = Router(tags=["saved searches"])
# Every account may save searches, and may watch them.
READS = Needs(Scope.WATCHES_READ)
WRITES = Needs(Scope.WATCHES_WRITE)


@router.get("/saved-searches", url_name="saved_searches", auth=READS, response=SavedSearchesJson)
def saved_searches(
    request: HttpRequest, cursor: Cursor = "", limit: Limit = DEFAULT_LIMIT
) -> HttpResponse:
    """List the searches that you have saved, the newest first."""
    page, next_cursor = page_of(saved.list_saved(_owner(request)), cursor, limit)
    items = [saved_search_json(each) for each in page]
    return respond(SavedSearchesJson(items=items, next_cursor=next_cursor))


@router.post("/saved-searches", auth=WRITES, response={201: SavedSearchJson})
@idempotent
def save_search(request: HttpRequest, asked: SearchSaved) -> HttpResponse:
    """Keep a search, and the uploads that it names; one that is kept already stays as it is."""
    kept = saved.save_search(_owner(request), address=asked.search, name=asked.name)
    location = reverse("api:saved_search", args=(kept.pk,))
    return respond(saved_search_json(kept), status=201, headers={"Location": location})


@router.get(
    "/saved-searches/{uuid:search_id}",
    url_name="saved_search",
    auth=READS,
    response=SavedSearchJson,
)
def read_saved_search(request: HttpRequest, search_id: UUID) -> HttpResponse:
    """Read one of your saved searches."""
    return respond(saved_search_json(_own(request, search_id)))


@router.patch("/saved-searches/{uuid:search_id}", auth=WRITES, response=SavedSearchJson)
def rename_saved_search(request: HttpRequest, search_id: UUID, said: SearchNamed) -> HttpResponse:
    """Rename one of your saved searches."""
    kept = _own(request, search_id)
    saved.rename_search(kept, said.name)
    return respond(saved_search_json(kept))


@router.delete("/saved-searches/{uuid:search_id}", auth=WRITES, response={204: None})
def delete_saved_search(request: HttpRequest, search_id: UUID) -> HttpResponse:
    """Delete one of your saved searches, and your watch of it."""
    _own(request, search_id).delete()
    return HttpResponse(status=204)


def _owner(request: HttpRequest) -> Any:
    """Return who asks: an account, since visitors are not let in."""
    return request.user


def _own(request: HttpRequest, search_id: UUID) -> SavedSearch:
    return get_object_or_404(saved.list_saved(_owner(request)), pk=search_id)
