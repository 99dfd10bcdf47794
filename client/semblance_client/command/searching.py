"""`semblance search`: what is this picture, where else is it, what is like these?"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit
from uuid import UUID

from semblance_client.calls import Wait
from semblance_client.client import Client
from semblance_client.command.arguments import add_filters, box, count, filters_of
from semblance_client.command.output import Output
from semblance_client.filters import SearchFilters
from semblance_client.shapes import Hit, HitGroup, SearchAnswer, SeveralAnswer

_HEAD = ("verdict", "likely", "size", "title", "id")
# From so many pictures on it is said which of them a hit is like.
_SEVERAL = 2


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command's arguments."""
    parser = commands.add_parser("search", help="search with pictures, or with words")
    parser.set_defaults(do=search)
    parser.add_argument(
        "picture",
        nargs="*",
        help="a file, - for standard input, an image's id, or, alone, an http(s) address",
    )
    parser.add_argument(
        "--unlike",
        action="append",
        default=[],
        metavar="PICTURE",
        help="not like this; again for more",
    )
    parser.add_argument("--words", default="", help="what pictures show, such as 'a red bicycle'")
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
    if isinstance(answer, SeveralAnswer):
        _write_several(answer, output)
    else:
        _write_groups(answer, output)
    if answer.copies != "checked":
        output.say("Copies have not been checked.")
    return 0


def _write_groups(answer: SearchAnswer, output: Output) -> None:
    for number, group in enumerate(answer.groups):
        if len(answer.groups) > 1:
            output.text(("\n" if number else "") + _heading(group))
        output.table(_HEAD, [_row(hit) for hit in group.hits])


def _write_several(answer: SeveralAnswer, output: Output) -> None:
    """Write one table; where several pictures are asked with, with which one each hit is like."""
    rows: list[Sequence[object]] = [_row(hit) for hit in answer.hits]
    if len(answer.these) < _SEVERAL:
        output.table(_HEAD, rows)
    else:
        like = ["" if hit.picture is None else hit.picture + 1 for hit in answer.hits]
        output.table(("like", *_HEAD), [(one, *row) for one, row in zip(like, rows, strict=True)])
    if answer.left_out:
        output.say(f"Left out as copies of what is not wanted: {answer.left_out}.")


def _ask(site: Client, asked: argparse.Namespace) -> SearchAnswer | SeveralAnswer:
    what: Any = _options(asked)
    if not (asked.picture or asked.unlike or asked.words):
        raise ValueError("search with a picture, with several, or with --words")
    if len(asked.picture) != 1 or asked.unlike or asked.words:
        these, unlike = [_picture(each) for each in asked.picture], map(_picture, asked.unlike)
        return site.search_several(these, unlike=list(unlike), words=asked.words, **what)
    (picture,) = asked.picture
    if _is_address(picture):
        return site.search_url(picture, **what)
    one = _picture(picture)
    if isinstance(one, UUID):
        return site.search_image(one, **what)
    return site.search(one, name="picture" if picture == "-" else "", **what)


def _picture(text: str) -> Path | UUID | IO[bytes]:
    """Return what a picture's name on the command line means.

    Raises:
        ValueError: it is an address, of which the site fetches one, alone.
    """
    if text == "-":
        return sys.stdin.buffer
    if _is_address(text):
        raise ValueError("an address is searched with alone")
    if not Path(text).exists() and (image_id := _id(text)):
        return image_id
    return Path(text)


def _is_address(text: str) -> bool:
    return urlsplit(text).scheme in {"http", "https"}


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


def _shortened(
    answer: SearchAnswer | SeveralAnswer, limit: int | None
) -> SearchAnswer | SeveralAnswer:
    if limit is None:
        return answer
    if isinstance(answer, SeveralAnswer):
        return replace(answer, hits=answer.hits[:limit])
    groups = [replace(group, hits=group.hits[:limit]) for group in answer.groups]
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
