"""A person's watches: what was found, what is watched, and how they are told."""

from typing import Any, TypeVar
from uuid import UUID

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from catalog.models import Album
from search.models import SavedSearch
from search.presenters.saved import present_saved
from search.saved import list_saved
from site_http.access import account_of, accounts_only
from watches import services
from watches.forms import WatchForm, said_by
from watches.models import Watch, WatchHit
from watches.presenters import present_hits, present_watches
from watches.selectors import list_hits, list_watchable_albums, list_watches

Row = TypeVar("Row", SavedSearch, Album, Watch)

_PAGE_HITS = 24
_RELATED = (
    *("image", "watched_image", "saved_picture__image"),
    *("watch__album", "watch__saved_search"),
)


@require_safe
@accounts_only
def watches(request: HttpRequest) -> HttpResponse:
    """Show what is watched, and what is new."""
    owner = account_of(request)
    hits = list_hits(owner).filter(is_before=False)
    context = {"watches": present_watches(list_watches(owner), owner), **_page(request, hits)}
    return render(request, "watches/watches.html", context)


@require_safe
@accounts_only
@sensitive_variables("hook")
def watch(request: HttpRequest, watch_id: UUID) -> HttpResponse:
    """Show one watch: what it found, what was there already, and how its owner is told."""
    owner = account_of(request)
    one = _own(owner, watch_id)
    hits = list_hits(owner).filter(watch=one)
    is_before = request.GET.get("there") == "1"
    hook = getattr(one, "webhook", None)
    context = {
        "watch": present_watches([one], owner)[0],
        "source": _source(one),
        "before": hits.filter(is_before=True).count(),
        "is_before": is_before,
        "hook": hook,
        "notices": services.last_notices(one) if hook else [],
        "form": WatchForm(owner, initial=said_by(one)),
        **_page(request, hits.filter(is_before=is_before)),
    }
    return render(request, "watches/watch.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@accounts_only
def new(request: HttpRequest) -> HttpResponse:
    """Begin to watch an album or a saved search: the address says which, or the form asks."""
    owner = account_of(request)
    of = _asked_for(owner, request)
    form = WatchForm(owner, request.POST or None)
    if request.method == "POST" and of is not None and form.is_valid():
        begun = services.begin_watch(owner, of, form.wishes())
        return _see_other(reverse("watches:watch", args=(begun.pk,)))
    context: dict[str, Any] = {"form": form, "of": of}
    if of is None:
        context |= {
            "albums": list_watchable_albums(owner),
            "searches": [
                card for card in present_saved(list_saved(owner), owner) if card.is_watchable
            ],
        }
    return render(request, "watches/new.html", context)


@require_POST
@accounts_only
def change(request: HttpRequest, watch_id: UUID) -> HttpResponse:
    """Have its owner be told otherwise."""
    owner = account_of(request)
    one = _own(owner, watch_id)
    form = WatchForm(owner, request.POST)
    if not form.is_valid():
        return render(request, "watches/new.html", {"form": form, "of": one, "watch": one})
    services.change_watch(one, form.wishes())
    return _to(one)


@require_POST
@accounts_only
def renew(request: HttpRequest, watch_id: UUID) -> HttpResponse:
    """Give its webhook another secret."""
    one = _own(account_of(request), watch_id)
    services.renew_secret(one)
    return _to(one)


@require_POST
@accounts_only
def end(request: HttpRequest, watch_id: UUID) -> HttpResponse:
    """Watch it no more; what was found is forgotten with it."""
    _own(account_of(request), watch_id).delete()
    return _see_other(reverse("watches:watches"))


@require_POST
@accounts_only
def seen(request: HttpRequest) -> HttpResponse:
    """Record that a person has looked at what the page shows, or at all of it."""
    owner = account_of(request)
    watch_id = None
    if request.POST.get("watch"):
        watch_id = _found(list_watches(owner), request.POST["watch"]).pk
    if request.POST.get("all"):
        services.mark_all_seen(owner, watch_id=watch_id)
    else:
        ids = [int(each) for each in request.POST.getlist("hit") if each.isdecimal()]
        services.mark_seen(owner, [each for each in ids if each < 2**63])
    if watch_id is not None:
        return _see_other(reverse("watches:watch", args=(watch_id,)))
    return _see_other(reverse("watches:watches"))


def _own(owner: User, watch_id: UUID) -> Watch:
    """Return a watch of this person; others' are not there for them."""
    return get_object_or_404(list_watches(owner), pk=watch_id)


def _asked_for(owner: User, request: HttpRequest) -> SavedSearch | Album | None:
    """Return the saved search or album that the form or the address names; None names none."""
    search, album = (request.POST.get(key) or request.GET.get(key) for key in ("search", "album"))
    if search:
        return _found(list_saved(owner), search)
    return _found(list_watchable_albums(owner), album) if album else None


def _found(rows: QuerySet[Row], key: str) -> Row:
    """Return the row with a key that somebody sent; what is no key names none."""
    try:
        return get_object_or_404(rows, pk=key)
    except (ValueError, OverflowError, ValidationError) as error:
        raise Http404 from error


def _source(one: Watch) -> str:
    return "" if one.saved_search is None else one.saved_search.get_absolute_url()


def _page(request: HttpRequest, hits: QuerySet[WatchHit]) -> dict[str, Any]:
    pages = Paginator(hits.select_related(*_RELATED), _PAGE_HITS)
    page = pages.get_page(request.GET.get("page"))
    return {"page": page, "hits": present_hits(list(page.object_list))}


def _to(one: Watch) -> HttpResponse:
    return _see_other(reverse("watches:watch", args=(one.pk,)))


def _see_other(address: str) -> HttpResponse:
    response = HttpResponseRedirect(address)
    response.status_code = 303
    return response
