"""The requests about what an account decided, saved and watches, said once for both clients."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

import httpx

from semblance_client import shapes
from semblance_client.call import ROOT, Call, Id, json_of, nothing, once, page_call, reader
from semblance_client.decoding import decode
from semblance_client.shapes import Page, SearchAnswer, SeveralAnswer

Judgement = Literal["copy", "same_subject", "different"]
Rung = Literal["near-identical", "edited-copy", "shared-design", "same-subject"]
# A search: an answer to it, or what stands behind the ? of its address.
Searched = SearchAnswer | SeveralAnswer | str


def decisions(cursor: str, limit: int | None) -> Call[Page[shapes.Decision]]:
    """List decisions."""
    return page_call("/decisions", shapes.Decision, cursor, limit)


def decide(hit: shapes.Hit | str, judgement: Judgement) -> Call[shapes.Decision]:
    """Say what a hit is.

    Raises:
        ValueError: the answer does not say what a decision about the hit is sent with.
    """
    named = hit.decide_with if isinstance(hit, shapes.Hit) else hit
    if not named:
        raise ValueError("the hit names nothing to decide with: the token has to be one that may")
    body = {"hit": named, "judgement": judgement}
    read = reader(shapes.Decision)
    return Call("POST", f"{ROOT}/decisions", read, json=body, headers=once())


def take_back_decision(decision_id: int) -> Call[None]:
    """Take a decision back."""
    path = f"{ROOT}/decisions/{decision_id}"
    return Call("DELETE", path, nothing, is_repeatable=False)


def saved_searches(cursor: str, limit: int | None) -> Call[Page[shapes.SavedSearch]]:
    """List saved searches."""
    return page_call("/saved-searches", shapes.SavedSearch, cursor, limit)


def save_search(searched: Searched, name: str) -> Call[shapes.SavedSearch]:
    """Save a search."""
    body = {"search": _query_of(searched), "name": name}
    read = reader(shapes.SavedSearch)
    return Call("POST", f"{ROOT}/saved-searches", read, json=body, headers=once())


def read_saved_search(search_id: Id) -> Call[shapes.SavedSearch]:
    """Read a saved search."""
    return Call("GET", f"{ROOT}/saved-searches/{search_id}", reader(shapes.SavedSearch))


def rename_saved_search(search_id: Id, name: str) -> Call[shapes.SavedSearch]:
    """Rename a saved search."""
    path = f"{ROOT}/saved-searches/{search_id}"
    return Call("PATCH", path, reader(shapes.SavedSearch), json={"name": name})


def delete_saved_search(search_id: Id) -> Call[None]:
    """Delete a saved search."""
    path = f"{ROOT}/saved-searches/{search_id}"
    return Call("DELETE", path, nothing, is_repeatable=False)


def search_saved(saved: shapes.SavedSearch) -> Call[SearchAnswer | SeveralAnswer]:
    """Ask a saved search again."""
    params = parse_qsl(saved.search, keep_blank_values=True)
    return Call("GET", f"{ROOT}/search", _read_either, params)


def watches(cursor: str, limit: int | None) -> Call[Page[shapes.Watch]]:
    """List watches."""
    return page_call("/watches", shapes.Watch, cursor, limit)


def begin_watch(
    album: int | None,
    saved_search: Id | None,
    search: Searched | None,
    wishes: Mapping[str, Any],
) -> Call[shapes.Watch]:
    """Watch an album, a saved search or a search."""
    ways = {
        "album": album,
        "saved_search": None if saved_search is None else str(saved_search),
        "search": None if search is None else _query_of(search),
    }
    body = {**{name: way for name, way in ways.items() if way is not None}, **wishes}
    return Call("POST", f"{ROOT}/watches", reader(shapes.Watch), json=body, headers=once())


def read_watch(watch_id: Id) -> Call[shapes.Watch]:
    """Read a watch."""
    return Call("GET", f"{ROOT}/watches/{watch_id}", reader(shapes.Watch))


def change_watch(watch_id: Id, wishes: Mapping[str, Any]) -> Call[shapes.Watch]:
    """Be told otherwise."""
    path = f"{ROOT}/watches/{watch_id}"
    return Call("PATCH", path, reader(shapes.Watch), json=dict(wishes))


def end_watch(watch_id: Id) -> Call[None]:
    """End a watch."""
    return Call("DELETE", f"{ROOT}/watches/{watch_id}", nothing, is_repeatable=False)


def watch_hits(
    watch: Id | None, cursor: str, limit: int | None, *, unseen: bool
) -> Call[Page[shapes.WatchHit]]:
    """List what watches found."""
    params = [("watch", str(watch))] if watch is not None else []
    params += [("unseen", "1")] if unseen else []
    return page_call("/watches/hits", shapes.WatchHit, cursor, limit, params)


def mark_hits_seen(hit_ids: Sequence[int]) -> Call[int]:
    """Say that somebody has looked at hits."""
    body = {"hits": list(hit_ids)}
    return Call("POST", f"{ROOT}/watches/hits/seen", _read_marked, json=body)


def wishes_of(rung: Rung, webhook_url: str, *, by_mail: bool) -> Mapping[str, Any]:
    """Return how an account wants to be told."""
    return {"rung": rung, "by_mail": by_mail, "webhook_url": webhook_url}


def _query_of(searched: Searched) -> str:
    if not isinstance(searched, str):
        return urlsplit(searched.proofs_url).query
    return urlsplit(searched).query if "?" in searched else searched


def _read_either(response: httpx.Response) -> SearchAnswer | SeveralAnswer:
    body = json_of(response)
    is_several = isinstance(body, dict) and "these" in body
    return decode(SeveralAnswer, body) if is_several else decode(SearchAnswer, body)


def _read_marked(response: httpx.Response) -> int:
    return decode(shapes.MarkedSeen, json_of(response)).marked
