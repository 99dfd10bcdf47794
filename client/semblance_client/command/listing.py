"""Commands that read and change the catalogue: images, albums, tags, imports, jobs."""

import argparse
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from semblance_client.client import Client
from semblance_client.command.arguments import add_filters, add_limit, filters_of
from semblance_client.command.output import Output
from semblance_client.filters import ImageFilters

_CHANGES = ("title", "description", "source", "owner", "licence", "creator", "credit", "rights")


def add_parsers(commands: Any) -> None:
    """Describe the commands' arguments."""
    _add_images(commands)
    for name, do in (("albums", _albums), ("tags", _tags)):
        parser = _add_listing(commands, name, f"{name} that you may know of, or make one", do)
        parser.add_argument("--make", metavar="NAME", help="make one of this name")
    imports = _add_listing(commands, "imports", "imports, the newest first", _imports)
    imports.add_argument("--state", default="")
    jobs = _add_listing(commands, "jobs", "jobs of the workers, the newest first", _jobs)
    jobs.add_argument("--state", default="")


def _add_listing(
    commands: Any, name: str, said: str, do: Callable[..., int]
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=f"list {said}")
    parser.set_defaults(do=do)
    add_limit(parser)
    return parser


def _add_images(commands: Any) -> None:
    images = commands.add_parser("images", help="list, show, change, fetch or delete images")
    parts = images.add_subparsers(required=True, metavar="list|show|edit|download|delete")
    listing = parts.add_parser("list", help="list images, the newest first")
    listing.set_defaults(do=_images)
    listing.add_argument("--query", default="", metavar="WORDS", help="in titles, tags, …")
    listing.add_argument("--status", default="")
    add_filters(listing)
    add_limit(listing)
    for name, said, do in (
        ("show", "show one image", _show),
        ("edit", "change what is said of an image", _edit),
        ("download", "fetch originals into a folder", _fetch),
        ("delete", "move images to the bin", _delete),
    ):
        parser = parts.add_parser(name, help=said)
        parser.set_defaults(do=do)
        several = "+" if name in {"download", "delete"} else None
        parser.add_argument("image", type=UUID, nargs=several, help="its id")
        if name == "download":
            parser.add_argument("--to", type=Path, default=Path(), metavar="FOLDER")
        if name == "edit":
            for field in (*_CHANGES, "medium"):
                parser.add_argument(f"--{field}")
            parser.add_argument("--tag", action="append", help="all that it then has")
            parser.add_argument("--album", action="append", help="all that it is then in")


def _images(site: Client, asked: argparse.Namespace, output: Output) -> int:
    filters = ImageFilters(q=asked.query, status=asked.status, **filters_of(asked))
    found = site.images(filters, page_size=min(asked.limit, 200))
    output.rows(
        ("status", "size", "format", "title", "tags", "id"),
        islice(found, asked.limit),
        lambda i: (i.status, f"{i.width}×{i.height}", i.format, i.title, ", ".join(i.tags), i.id),
    )
    return 0


def _show(site: Client, asked: argparse.Namespace, output: Output) -> int:
    output.value(site.image(asked.image))
    return 0


def _edit(site: Client, asked: argparse.Namespace, output: Output) -> int:
    said = {name: getattr(asked, name) for name in (*_CHANGES, "medium")}
    changes: dict[str, Any] = {name: text for name, text in said.items() if text is not None}
    for name, values in (("tags", asked.tag), ("albums", asked.album)):
        if values is not None:
            changes[name] = [value for value in values if value]
    output.value(site.change_image(asked.image, changes))
    return 0


def _fetch(site: Client, asked: argparse.Namespace, output: Output) -> int:
    asked.to.mkdir(parents=True, exist_ok=True)
    for image_id in asked.image:
        to = asked.to / f"{image_id}{_ending(site.image(image_id, fields=['format']).format)}"
        site.download_original(image_id, to)
        output.text(str(to))
    return 0


def _ending(format_: str) -> str:
    """Return how the name of a file of a format ends; the site says nothing of where it lies."""
    if not (format_.isascii() and format_.isalnum()):
        return ""
    return ".jpg" if format_ == "jpeg" else f".{format_}"


def _delete(site: Client, asked: argparse.Namespace, output: Output) -> int:
    for image_id in asked.image:
        site.delete_image(image_id)
        output.text(f"in the bin: {image_id}")
    return 0


def _albums(site: Client, asked: argparse.Namespace, output: Output) -> int:
    listed = [site.make_album(asked.make)] if asked.make else islice(site.albums(), asked.limit)
    output.rows(("id", "name"), listed, _id_and_name)
    return 0


def _tags(site: Client, asked: argparse.Namespace, output: Output) -> int:
    listed = [site.make_tag(asked.make)] if asked.make else islice(site.tags(), asked.limit)
    output.rows(("id", "name"), listed, _id_and_name)
    return 0


def _id_and_name(each: Any) -> Sequence[object]:
    return each.id, each.name


def _imports(site: Client, asked: argparse.Namespace, output: Output) -> int:
    output.rows(
        ("state", "found", "added", "failed", "source", "id"),
        islice(site.imports(state=asked.state), asked.limit),
        lambda i: (i.state, i.found, i.added, i.failed, i.source, i.id),
    )
    return 0


def _jobs(site: Client, asked: argparse.Namespace, output: Output) -> int:
    output.rows(
        ("state", "name", "queue", "error", "id"),
        islice(site.jobs(state=asked.state), asked.limit),
        lambda job: (job.state, job.name, job.queue, job.error_code, job.id),
    )
    return 0
