"""`semblance ingest`: pictures of this machine go into the site's catalogue."""

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from pathlib import Path

from semblance_client.client import Client
from semblance_client.command.arguments import count
from semblance_client.command.folders import pictures_of
from semblance_client.command.output import Output
from semblance_client.errors import ApiError
from semblance_client.filters import Said
from semblance_client.shapes import AddedFile, FileProblem

FAILED = 1

_MEDIA = ("photo", "painting", "drawing", "cartoon", "sketch", "render")
_TEXTS = ("title", "source", "owner", "licence", "creator", "credit", "rights")


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command's arguments."""
    parser = commands.add_parser("ingest", help="add pictures of this machine to the catalogue")
    parser.set_defaults(do=ingest)
    parser.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="a picture, or a folder of them"
    )
    parser.add_argument("--tag", action="append", default=[], help="again for more")
    parser.add_argument("--album", action="append", default=[], help="again for more")
    parser.add_argument("--medium", choices=_MEDIA)
    for name in _TEXTS:
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--known", choices=("skip", "update", "keep"), help="what is there already")
    parser.add_argument("--copies", choices=("take_in", "hold", "refuse"), help="of other pictures")
    parser.add_argument(
        "--in-flight", type=count, default=4, metavar="N", help="so many at a time (4)"
    )


def ingest(site: Client, asked: argparse.Namespace, output: Output) -> int:
    """Send each picture, and write how it ended."""
    missing = [path for path in asked.paths if not path.exists()]
    for path in missing:
        output.say(f"There is no {path}.")
    results: Counter[str] = Counter(failed=len(missing))
    said = _said(asked)
    files = (file for path in asked.paths for file in pictures_of(path))
    for path, ended in _send_all(site, files, said, asked.in_flight):
        results[ended.result] += 1
        _tell(output, path, ended)
    _tell_end(output, results)
    return FAILED if results["failed"] else 0


def _send_all(
    site: Client, files: Iterator[Path], said: Said, in_flight: int
) -> Iterator[tuple[Path, AddedFile]]:
    """Yield how each file ended, as it ends; no more are opened than are in flight.

    A site that is away, or refuses the caller or what is said of all files, ends it: each further
    one would fare the same.
    """
    with ThreadPoolExecutor(in_flight) as threads:
        waiting: dict[Future[AddedFile], Path] = {}
        try:
            while True:
                for path in islice(files, in_flight - len(waiting)):
                    waiting[threads.submit(_send, site, path, said)] = path
                if not waiting:
                    return
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for each in done:
                    yield waiting.pop(each), each.result()
        finally:
            threads.shutdown(cancel_futures=True)


def _send(site: Client, path: Path, said: Said) -> AddedFile:
    try:
        return site.add_image(path, said)
    except ApiError as error:
        if not error.code.startswith("image:"):  # what was asked of all, not this file, is refused
            raise
        return AddedFile(path.name, "failed", problem=FileProblem(error.code, error.detail))
    except OSError as error:
        return AddedFile(
            path.name, "failed", problem=FileProblem("file:user:unreadable", str(error))
        )


def _said(asked: argparse.Namespace) -> Said:
    return Said(
        **{name: getattr(asked, name) for name in _TEXTS},
        medium=asked.medium or "",
        tags=tuple(asked.tag),
        albums=tuple(asked.album),
        known=asked.known or "",
        copies=asked.copies or "",
    )


def _tell(output: Output, path: Path, ended: AddedFile) -> None:
    if output.is_json:
        output.line({"path": str(path), "result": ended.result, **_more(ended)})
    elif ended.problem is not None:
        output.text(f"{ended.result}: {path}: {ended.problem.detail} ({ended.problem.code})")
    else:
        output.text(f"{ended.result}: {path}")


def _more(ended: AddedFile) -> dict[str, object]:
    image = {} if ended.image is None else {"image_id": ended.image.id}
    problem = {} if ended.problem is None else {"problem": ended.problem}
    return {**image, **problem}


def _tell_end(output: Output, results: Counter[str]) -> None:
    named: Sequence[str] = [f"{count} {name}" for name, count in sorted(results.items()) if count]
    if output.is_json:
        output.line({"results": {name: count for name, count in results.items() if count}})
    else:
        output.text(", ".join(named) or "no picture was found")
