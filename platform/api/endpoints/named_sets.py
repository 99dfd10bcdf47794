"""Albums and tags: listed, made, renamed, deleted."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from ninja import Router

from api.answers import respond
from api.cursors import page_by_id
from api.idempotency import idempotent
from api.schemas.base import DEFAULT_LIMIT, Cursor, Limit
from api.schemas.named_sets import NamedSetAsked, NamedSetJson, NamedSetsJson
from api.security import Needs, RowId, Scope
from catalog import services
from catalog.models import Album, Tag
from catalog.visibility import list_albums, list_tags

router = Router()


def _needs(scope: Scope, permission: str) -> Needs:
    return Needs(scope, f"catalog.{permission}", is_of_admin=True)


READ, WRITE = Scope.IMAGES_READ, Scope.IMAGES_WRITE


@router.get(
    "/albums",
    url_name="albums",
    tags=["albums"],
    auth=_needs(READ, "view_album"),
    response=NamedSetsJson,
)
def albums(request: HttpRequest, cursor: Cursor = "", limit: Limit = DEFAULT_LIMIT) -> HttpResponse:
    """List the albums that you may know of."""
    return _page(*page_by_id(list_albums(request.user), cursor, limit))


@router.post(
    "/albums", tags=["albums"], auth=_needs(WRITE, "add_album"), response={201: NamedSetJson}
)
@idempotent
def make_album(request: HttpRequest, said: NamedSetAsked) -> HttpResponse:
    """Make an album, open to everybody."""
    return _made(services.make_named_set(Album, said.name, by_id=request.user.pk), "api:album")


@router.get(
    "/albums/{int:album_id}",
    url_name="album",
    tags=["albums"],
    auth=_needs(READ, "view_album"),
    response=NamedSetJson,
)
def read_album(request: HttpRequest, album_id: RowId) -> HttpResponse:
    """Read one of the albums that you may know of."""
    return _read(get_object_or_404(list_albums(request.user), pk=album_id))


@router.patch(
    "/albums/{int:album_id}",
    tags=["albums"],
    auth=_needs(WRITE, "change_album"),
    response=NamedSetJson,
)
def rename_album(request: HttpRequest, album_id: RowId, said: NamedSetAsked) -> HttpResponse:
    """Rename an album."""
    album = get_object_or_404(list_albums(request.user), pk=album_id)
    return _renamed(album, said, request)


@router.delete(
    "/albums/{int:album_id}",
    tags=["albums"],
    auth=_needs(WRITE, "delete_album"),
    response={204: None},
)
def delete_album(request: HttpRequest, album_id: RowId) -> HttpResponse:
    """Delete an album; its images stay. One that is private, and has images, is kept."""
    album = get_object_or_404(list_albums(request.user), pk=album_id)
    services.delete_named_set(album, by_id=request.user.pk)
    return HttpResponse(status=204)


@router.get(
    "/tags", url_name="tags", tags=["tags"], auth=_needs(READ, "view_tag"), response=NamedSetsJson
)
def tags(request: HttpRequest, cursor: Cursor = "", limit: Limit = DEFAULT_LIMIT) -> HttpResponse:
    """List the tags that you may know of."""
    return _page(*page_by_id(list_tags(request.user), cursor, limit))


@router.post("/tags", tags=["tags"], auth=_needs(WRITE, "add_tag"), response={201: NamedSetJson})
@idempotent
def make_tag(request: HttpRequest, said: NamedSetAsked) -> HttpResponse:
    """Make a tag."""
    return _made(services.make_named_set(Tag, said.name, by_id=request.user.pk), "api:tag")


@router.get(
    "/tags/{int:tag_id}",
    url_name="tag",
    tags=["tags"],
    auth=_needs(READ, "view_tag"),
    response=NamedSetJson,
)
def read_tag(request: HttpRequest, tag_id: RowId) -> HttpResponse:
    """Read one of the tags that you may know of."""
    return _read(get_object_or_404(list_tags(request.user), pk=tag_id))


@router.patch(
    "/tags/{int:tag_id}",
    tags=["tags"],
    auth=_needs(WRITE, "change_tag"),
    response=NamedSetJson,
)
def rename_tag(request: HttpRequest, tag_id: RowId, said: NamedSetAsked) -> HttpResponse:
    """Rename a tag."""
    return _renamed(get_object_or_404(list_tags(request.user), pk=tag_id), said, request)


@router.delete(
    "/tags/{int:tag_id}", tags=["tags"], auth=_needs(WRITE, "delete_tag"), response={204: None}
)
def delete_tag(request: HttpRequest, tag_id: RowId) -> HttpResponse:
    """Delete a tag; its images stay."""
    tag = get_object_or_404(list_tags(request.user), pk=tag_id)
    services.delete_named_set(tag, by_id=request.user.pk)
    return HttpResponse(status=204)


def _read(row: Album | Tag) -> HttpResponse:
    return respond(_shape(row))


def _shape(row: Album | Tag) -> NamedSetJson:
    return NamedSetJson(id=row.pk, name=row.name)


def _page(rows: list[Any], next_cursor: str | None) -> HttpResponse:
    items = [_shape(row) for row in rows]
    return respond(NamedSetsJson(items=items, next_cursor=next_cursor))


def _made(row: Album | Tag, address: str) -> HttpResponse:
    location = reverse(address, args=(row.pk,))
    return respond(_shape(row), status=201, headers={"Location": location})


def _renamed(row: Album | Tag, said: NamedSetAsked, request: HttpRequest) -> HttpResponse:
    services.rename_named_set(row, said.name, by_id=request.user.pk)
    return _read(row)
