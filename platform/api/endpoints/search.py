"""Searches: with a file, an address, an image of the catalogue, a query that is still kept."""

from typing import Any
from urllib.parse import urlsplit

from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils.datastructures import MultiValueDict
from ninja import Query, Router

from api.answers import respond
from api.bodies import SentBody, binary_body, read_body
from api.schemas.searches import KnownPicture, PictureAsked, SearchFilters, SearchJson
from api.security import Needs, Scope
from review.services import PERMISSION as DECIDES
from review.shown_hits import ShownHit
from search import services
from search.fetched_pictures import fetch_picture
from search.forms import QueryForm
from search.in_flight import search_slot, timed
from search.limits import limited_search, take_kept
from search.presenters.answer_json import as_json
from search.services import SearchResult
from site_http.limits import Limited, take

router = Router(tags=["search"])
NEEDS = Needs(Scope.SEARCH, admits_visitors=True)
_FIELD = "picture"


@router.get("/search", url_name="search", auth=NEEDS, response=SearchJson, by_alias=True)
def search_again(request: HttpRequest, asked: Query[KnownPicture]) -> HttpResponse:
    """Search with a picture that the site has: `image` or `query` says which."""
    return _search(request, SentBody(QueryDict(), MultiValueDict()))


@router.post(
    "/search",
    auth=NEEDS,
    response=SearchJson,
    by_alias=True,
    openapi_extra=binary_body(_FIELD, json="PictureAsked"),
)
def search(request: HttpRequest, asked: Query[SearchFilters]) -> HttpResponse:
    """Search with a picture: a form's file, its bytes as they are, or JSON that says where it is.

    What is asked of the picture stands in the address, or beside it in the form or the JSON.
    """
    return _search(request, read_body(request, file_field=_FIELD))


def _search(request: HttpRequest, sent: SentBody) -> HttpResponse:
    with timed() as search, limited_search(request):
        if not request.FILES:  # a form's files are counted already
            take_kept(request, sum(file.size or 0 for file in sent.files.getlist(_FIELD)))
        fields, files = _fetched(request, sent)  # without a slot: the network takes its time
        with search_slot():
            question = QueryForm(fields, files).read(request.user)
            search.wait = question.wait
            result = services.search(question, request.user)
    answer = _for_programs(as_json(result), _deciding(request, result))
    shape = SearchJson.model_validate(answer)
    # No two answers are the same: each has its times, and a query of its own.
    return respond(shape, headers={"Cache-Control": "no-store"})


def _fetched(request: HttpRequest, sent: SentBody) -> tuple[QueryDict, MultiValueDict[str, Any]]:
    """Return what the page's own form reads: the picture of an address is a file that was sent."""
    fields = request.GET.copy()
    for name, values in sent.fields.lists():
        fields.setlist(name, values)
    if not fields.get("url"):
        return fields, sent.files
    url = PictureAsked.model_validate({"url": fields["url"]}).url or ""
    take(request, Limited.FETCHES)
    fetched = fetch_picture(url)
    take_kept(request, len(fetched.data))
    # Of its name the end is looked at, to say what a file is that is no picture.
    file = SimpleUploadedFile(fetched.name if "." not in fetched.name else "picture", fetched.data)
    return fields, MultiValueDict({_FIELD: [file]})


def _deciding(request: HttpRequest, result: SearchResult) -> list[str | None]:
    """Return for each hit, in order, what a decision about it names; None for who may not."""
    token = request.auth.token  # type: ignore[attr-defined]
    may = token is not None and Scope.DECISIONS_WRITE in token.scopes
    may = may and request.user.has_perm(DECIDES)
    return [
        ShownHit.of(result, (group.region.kind, group.region.box), hit).signed() if may else None
        for group in result.groups
        for hit in group.hits
    ]


def _for_programs(answer: dict[str, Any], deciding: list[str | None]) -> dict[str, Any]:
    """Return the page's answer with addresses that take tokens, and what decisions name."""
    query = urlsplit(answer["proofs_url"]).query
    each = iter(deciding)
    for group in answer["groups"]:
        for hit in group["hits"]:
            hit["decide_with"] = next(each)
            hit["thumbnail_url"] = reverse("api:thumbnail", args=(hit["image_id"],))
    return answer | {"proofs_url": f"{reverse('api:search')}?{query}"}
