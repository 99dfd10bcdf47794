"""`semblance watches`, `saved`, `decisions`: what an account watches, saved and decided."""

import argparse
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any
from uuid import UUID

from semblance_client.client import Client
from semblance_client.command.arguments import add_limit, count
from semblance_client.command.output import Output
from semblance_client.shapes import Decision, SavedSearch, Watch, WatchHit

_RUNGS = ("near-identical", "edited-copy", "shared-design", "same-subject")
# What the site takes in one request.
_MARKED_AT_ONCE = 200
_WATCH_HEAD = ("name", "tells of", "e-mail", "webhook", "id")
_SAVED_HEAD = ("name", "saved", "search", "id")


def add_parsers(commands: Any) -> None:
    """Describe the commands' arguments."""
    _add_watches(commands)
    _add_saved(commands)
    decisions = commands.add_parser("decisions", help="list what people decided, the newest first")
    decisions.set_defaults(do=_decisions)
    add_limit(decisions)


def _add_watches(commands: Any) -> None:
    watches = commands.add_parser("watches", help="be told of copies of an album, or of a search")
    parts = watches.add_subparsers(required=True, metavar="list|add|end|hits")
    _add(parts, "list", "list what you watch, the newest first", _watches, limit=True)
    begin = _add(parts, "add", "watch an album, a saved search or a search", _begin)
    what = begin.add_mutually_exclusive_group(required=True)
    what.add_argument("--album", type=count, metavar="ID", help="all that is in it")
    what.add_argument("--saved", type=UUID, metavar="ID", help="the pictures of a saved search")
    what.add_argument("--search", metavar="ADDRESS", help="of a search, which is then saved")
    begin.add_argument("--rung", choices=_RUNGS, default="edited-copy", help="how far down")
    begin.add_argument("--mail", action="store_true", help="by e-mail, too")
    begin.add_argument("--webhook", default="", metavar="URL", help="is called with what is found")
    _add(parts, "end", "end watches", _end).add_argument("id", type=UUID, nargs="+")
    hits = _add(parts, "hits", "list what was found, the newest first", _hits, limit=True)
    hits.add_argument("--watch", type=UUID, metavar="ID", help="by this one alone")
    hits.add_argument("--unseen", action="store_true", help="what is new and not marked as seen")
    hits.add_argument("--mark-seen", action="store_true", help="mark what is listed as seen")


def _add_saved(commands: Any) -> None:
    saved = commands.add_parser("saved", help="list, add or delete saved searches")
    parts = saved.add_subparsers(required=True, metavar="list|add|delete")
    _add(parts, "list", "list your saved searches, the newest first", _saved, limit=True)
    adding = _add(parts, "add", "save a search", _save)
    adding.add_argument("search", metavar="ADDRESS", help="of the search")
    adding.add_argument("--name", default="")
    _add(parts, "delete", "delete saved searches", _forget).add_argument("id", type=UUID, nargs="+")


def _add(
    parts: Any, name: str, said: str, do: Callable[..., int], *, limit: bool = False
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = parts.add_parser(name, help=said)
    parser.set_defaults(do=do)
    if limit:
        add_limit(parser)
    return parser


def _watches(site: Client, asked: argparse.Namespace, output: Output) -> int:
    output.rows(_WATCH_HEAD, islice(site.watches(), asked.limit), _watch_row)
    return 0


def _begin(site: Client, asked: argparse.Namespace, output: Output) -> int:
    watch = site.begin_watch(
        album=asked.album,
        saved_search=asked.saved,
        search=asked.search,
        rung=asked.rung,
        by_mail=asked.mail,
        webhook_url=asked.webhook,
    )
    output.rows(_WATCH_HEAD, [watch], _watch_row)
    if watch.webhook is not None and not output.is_json:
        output.say(f"Calls are signed with {watch.webhook.secret}.")
    return 0


def _end(site: Client, asked: argparse.Namespace, output: Output) -> int:
    for watch_id in asked.id:
        site.end_watch(watch_id)
        output.text(f"ended: {watch_id}")
    return 0


def _hits(site: Client, asked: argparse.Namespace, output: Output) -> int:
    found = site.watch_hits(watch=asked.watch, unseen=asked.unseen)
    hits = list(islice(found, asked.limit))
    output.rows(("found", "is", "image", "watched", "watch"), hits, _hit_row)
    if asked.mark_seen:
        ids = [hit.id for hit in hits]
        for begin in range(0, len(ids), _MARKED_AT_ONCE):
            site.mark_hits_seen(ids[begin : begin + _MARKED_AT_ONCE])
    return 0


def _saved(site: Client, asked: argparse.Namespace, output: Output) -> int:
    output.rows(_SAVED_HEAD, islice(site.saved_searches(), asked.limit), _saved_row)
    return 0


def _save(site: Client, asked: argparse.Namespace, output: Output) -> int:
    output.rows(_SAVED_HEAD, [site.save_search(asked.search, asked.name)], _saved_row)
    return 0


def _forget(site: Client, asked: argparse.Namespace, output: Output) -> int:
    for search_id in asked.id:
        site.delete_saved_search(search_id)
        output.text(f"deleted: {search_id}")
    return 0


def _decisions(site: Client, asked: argparse.Namespace, output: Output) -> int:
    head = ("decided", "by", "is", "image", "asked with", "id")
    output.rows(head, islice(site.decisions(), asked.limit), _decision_row)
    return 0


def _watch_row(watch: Watch) -> Sequence[object]:
    webhook = "" if watch.webhook is None else watch.webhook.url
    return watch.name, watch.rung, "yes" if watch.by_mail else "", webhook, watch.id


def _hit_row(hit: WatchHit) -> Sequence[object]:
    watched = hit.watched_image_id or "(upload)"
    return hit.found_at, hit.rung, hit.image_id, watched, hit.watch_id


def _saved_row(saved: SavedSearch) -> Sequence[object]:
    return saved.name, saved.created_at, saved.search, saved.id


def _decision_row(decision: Decision) -> Sequence[object]:
    by = decision.decided_by or ""
    asked = decision.query_image_id or decision.query_sha256
    return decision.decided_at, by, decision.judgement, decision.image_id, asked, decision.id
