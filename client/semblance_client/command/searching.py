"""`semblance search`: what is this picture, and where else is it?"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from semblance_client.calls import SearchFilters, Wait
from semblance_client.client import Client
from semblance_client.command.arguments import add_filters, box, count, filters_of
from semblance_client.command.output import Output
from semblance_client.shapes import Hit, HitGroup, SearchAnswer


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command's arguments."""
    parser = commands.add_parser("search", help="search with a picture")
    parser.set_defaults(do=search)
    parser.add_argument(
        "picture", help="a file, - for standard input, an http(s) address, or an image's id"
    )
    parser.add_argument("--limit", type=count, metavar="N", help="at most so many hits of a part")
    parser.add_argument("--box", type=box, metavar="X0,Y0,X1,Y1", help="with this part alone")
    parser.add_argument("--wait", choices=("hits", "proofs"), help="hits: do not prove copies")
    add_filters(parser)
    parser.add_argument(
        "--scope", action="append", default=[], help="full-image, panels or objects; again for more"
    )
    parser.add_argument("--sure", action="store_true", help="without objects that are not sure")
    parser.add_argument("--other-media", action="store_true", help="in other media only")
    parser.add_argument("--sort", default="", help="verdict, similarity, newest, oldest, largest")


def search(site: Client, asked: argparse.Namespace, output: Output) -> int:
    """Search, and write what was found."""
    answer = _shortened(_ask(site, asked), asked.limit)
    if output.is_json:
        output.value(answer)
        return 0
    for number, group in enumerate(answer.groups):
        if len(answer.groups) > 1:
            output.text(("\n" if number else "") + _heading(group))
        rows = [_row(hit) for hit in group.hits]
        output.table(("verdict", "likely", "size", "title", "id"), rows)
    if answer.copies != "checked":
        output.say("Copies have not been checked.")
    return 0


def _ask(site: Client, asked: argparse.Namespace) -> SearchAnswer:
    what: Any = _options(asked)
    if asked.picture == "-":
        return site.search(sys.stdin.buffer, name="picture", **what)
    if urlsplit(asked.picture).scheme in {"http", "https"}:
        return site.search_url(asked.picture, **what)
    if not Path(asked.picture).exists() and (image_id := _id(asked.picture)):
        return site.search_image(image_id, **what)
    return site.search(Path(asked.picture), **what)


def _options(asked: argparse.Namespace) -> Mapping[str, Any]:
    filters = SearchFilters(
        **filters_of(asked),
        sure=asked.sure,
        other_media=asked.other_media,
        scope=tuple(asked.scope),
        sort=asked.sort,
    )
    wait: Wait | None = asked.wait
    return {"box": asked.box, "filters": filters, "wait": wait}


def _shortened(answer: SearchAnswer, limit: int | None) -> SearchAnswer:
    if limit is None:
        return answer
    groups = [replace(group, hits=list(islice(group.hits, limit))) for group in answer.groups]
    return replace(answer, groups=groups)


def _heading(group: HitGroup) -> str:
    place = ",".join(map(str, group.region.box))
    said = " (nothing to see in it)" if group.is_plain else ""
    return f"{group.region.key} {group.region.label} [{place}]{said}"


def _row(hit: Hit) -> Sequence[object]:
    likely = "" if hit.probability is None else f"{100 * hit.probability:.0f}%"
    return hit.verdict, likely, f"{hit.width}×{hit.height}", hit.title, hit.image_id


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
