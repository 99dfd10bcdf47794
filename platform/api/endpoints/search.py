"""Searches: with a file, an address, an image of the catalogue, a query that is still kept."""

from typing import Any
from urllib.parse import urlencode, urlsplit

from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils.datastructures import MultiValueDict
from ninja import Query, Router

from api.answers import respond
from api.bodies import SentBody, binary_body, check_members, read_body
from api.schemas.searches import KnownPictures, PicturesAsked, SearchJson, SeveralJson
from api.security import Needs, Scope
from review.services import PERMISSION as DECIDES
from review.shown_hits import ShownHit
from search import services, several
from search.fetched_pictures import fetch_picture
from search.forms import QueryForm
from search.in_flight import TimedSearch, search_slot, timed
from search.limits import limited_search, take_kept
from search.presenters.answer_json import as_json
from search.presenters.several import several_json
from search.services import SearchResult
from search.several_form import is_several
from site_http.limits import Limited, take

router = Router(tags=["search"])
NEEDS = Needs(Scope.SEARCH, admits_visitors=True)
_FIELD, _UNLIKE_FIELD = "picture", "unlike_picture"
_Shape = SearchJson | SeveralJson


@router.get("/search", url_name="search", auth=NEEDS, response=_Shape, by_alias=True)
def search_again(request: HttpRequest, asked: Query[KnownPictures]) -> HttpResponse:
    """Search with pictures that the site has, or with words.

    One picture finds a group of images for each of its parts; several, or words, one list.
    """
    return _search(request, SentBody(QueryDict(), MultiValueDict()))


@router.post(
    "/search",
    auth=NEEDS,
    response=_Shape,
    by_alias=True,
    openapi_extra=binary_body(_FIELD, _UNLIKE_FIELD, json="PicturesAsked"),
)
def search(request: HttpRequest, asked: Query[KnownPictures]) -> HttpResponse:
    """Search with pictures: a form's files, the bytes of one, or JSON that says where they are.

    What else is asked stands in the address, or beside them in the form or the JSON. One picture
    finds a group of images for each of its parts; several, or words, one list.
    """
    return _search(request, read_body(request, file_field=_FIELD, json_shape=PicturesAsked))


def _search(request: HttpRequest, sent: SentBody) -> HttpResponse:
    with timed() as search, limited_search(request):
        if not request.FILES:  # a form's files are counted already
            take_kept(request, sum(file.size or 0 for file in sent.files.getlist(_FIELD)))
        fields, files = _fetched(request, sent)  # without a slot: the network takes its time
        ask = _several if is_several(fields, files) else _one
        with search_slot():
            answer = ask(request, QueryForm(fields, files), search)
    # No two answers are the same: each has its times, and a query of its own.
    return respond(answer, headers={"Cache-Control": "no-store"})


def _one(request: HttpRequest, form: QueryForm, search: TimedSearch) -> SearchJson:
    question = form.read(request.user)
    search.wait = question.wait
    result = services.search(question, request.user)
    answer = as_json(result)
    hits = [hit for group in answer["groups"] for hit in group["hits"]]
    for hit, decide_with in zip(hits, _deciding(request, result), strict=True):
        hit["decide_with"] = decide_with
    return SearchJson.model_validate(_for_programs(answer, hits))


def _several(request: HttpRequest, form: QueryForm, search: TimedSearch) -> SeveralJson:
    question = form.read_several(request.user)
    search.wait = question.wait
    answer = several_json(several.search(question, request.user))
    for hit in answer["hits"]:
        hit["decide_with"] = None  # people decide about one picture, as on the page
    return SeveralJson.model_validate(_for_programs(answer, answer["hits"]))


def _fetched(request: HttpRequest, sent: SentBody) -> tuple[QueryDict, MultiValueDict[str, Any]]:
    """Return what the page's own form reads: a picture that is fetched is a file that was sent."""
    fields = request.GET.copy()
    for name, values in sent.fields.lists():
        fields.setlist(name, values)
    if not fields.get("url"):
        return fields, sent.files
    url = str(fields["url"])
    check_members(PicturesAsked, QueryDict(urlencode({"url": url})))
    take(request, Limited.FETCHES)
    fetched = fetch_picture(url)
    take_kept(request, len(fetched.data))
    # Of its name the end is looked at, to say what a file is that is no picture.
    file = SimpleUploadedFile(fetched.name if "." not in fetched.name else "picture", fetched.data)
    files = sent.files.copy()
    files.appendlist(_FIELD, file)
    return fields, files


def _deciding(request: HttpRequest, result: SearchResult) -> list[str | None]:
    """Return for each hit, in order, what a decision about it names; None for who may not."""
    token = request.auth.token  # type: ignore[attr-defined]
    may = token is not None and Scope.DECISIONS_WRITE in token.scopes
    may = may and request.user.has_perm(DECIDES)
    return [
        ShownHit.of(result, (group.region.kind, group.region.box), hit).signed(request.user)
        if may
        else None
        for group in result.groups
        for hit in group.hits
    ]


def _for_programs(answer: dict[str, Any], hits: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the page's answer, and its hits, with addresses that take tokens."""
    query = urlsplit(answer["proofs_url"]).query
    for hit in hits:
        hit["thumbnail_url"] = reverse("api:thumbnail", args=(hit["image_id"],))
    return answer | {"proofs_url": f"{reverse('api:search')}?{query}"}
