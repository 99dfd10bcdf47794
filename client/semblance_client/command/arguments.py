"""Kinds of arguments that several commands take."""

import argparse
from typing import Any

from semblance_client.shapes import Box

_LISTED = 50


def count(text: str) -> int:
    """Return a number from 1."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError("it has to be a number from 1")
    return int(text)


def box(text: str) -> Box:
    """Return a part of a picture."""
    try:
        return Box(*map(int, text.split(",")))
    except (TypeError, ValueError) as error:
        raise argparse.ArgumentTypeError("it has to be X0,Y0,X1,Y1 in pixels") from error


def add_limit(parser: argparse.ArgumentParser) -> None:
    """Describe how much of a list is written."""
    parser.add_argument(
        "--limit", type=count, default=_LISTED, metavar="N", help=f"at most so many ({_LISTED})"
    )


_LISTS = ("label", "medium", "tag", "album", "owner", "licence", "folder")


def add_filters(parser: argparse.ArgumentParser) -> None:
    """Describe what images are narrowed down by."""
    for name in _LISTS:
        parser.add_argument(
            f"--{name}", action="append", default=[], help=f"only of this {name}; again for more"
        )
    for name, said in (("from", "since"), ("to", "until")):
        parser.add_argument(f"--added-{name}", default="", metavar="DATE", help=f"added {said} it")
    for name in ("min", "max"):
        parser.add_argument(f"--{name}-side", type=count, metavar="PX", help="of the longer side")


def filters_of(asked: argparse.Namespace) -> dict[str, Any]:
    """Return what was asked of it, for either kind of filters."""
    lists = {name: tuple(getattr(asked, name)) for name in _LISTS}
    others = ("added_from", "added_to", "min_side", "max_side")
    return lists | {name: getattr(asked, name) for name in others}
