"""`semblance bench`: how long searches take, with several in flight, and whether any fails."""

import argparse
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from semblance_client.client import Client
from semblance_client.command.arguments import count
from semblance_client.command.folders import pictures_of
from semblance_client.command.ingesting import FAILED
from semblance_client.command.output import Output
from semblance_client.errors import ApiError, SemblanceError


@dataclass(frozen=True, slots=True)
class Timed:
    """A search: its seconds, hits, and what went wrong; "" is nothing."""

    seconds: float
    hits: int
    error: str


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command's arguments."""
    parser = commands.add_parser("bench", help="time searches with the pictures of a folder")
    parser.set_defaults(do=bench)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--queries", type=count, default=1000, metavar="N", help="in all (1000)")
    parser.add_argument("--in-flight", type=count, default=10, metavar="N", help="at once (10)")
    parser.add_argument("--wait", choices=("hits", "proofs"), help="hits: do not prove copies")


def bench(site: Client, asked: argparse.Namespace, output: Output) -> int:
    """Search with the folder's pictures, again from the first after the last; write the times."""
    pictures = list(pictures_of(asked.folder))
    if not pictures:
        output.say(f"There is no picture in {asked.folder}.")
        return FAILED
    queries = islice(cycle(pictures), asked.queries)
    began = time.perf_counter()
    with ThreadPoolExecutor(asked.in_flight) as threads:
        timed = list(threads.map(lambda path: _search(site, path, asked.wait), queries))
    took = time.perf_counter() - began
    errors = Counter(each.error for each in timed if each.error)
    seconds = sorted(each.seconds for each in timed)
    figures = {
        "queries": len(timed),
        "in_flight": asked.in_flight,
        "errors": sum(errors.values()),
        "hits": sum(each.hits for each in timed),
        "per_s": round(len(timed) / took, 2),
        **{f"p{part}_ms": round(1000 * quantile(seconds, part)) for part in (50, 95, 99, 100)},
    }
    if output.is_json:
        output.value({**figures, "errors_by_kind": dict(errors)})
    else:
        output.table(tuple(figures), [tuple(figures.values())])
        for error, times in errors.most_common():
            output.say(f"{times} × {error}")
    return FAILED if errors else 0


def quantile(ordered: list[float], percent: int) -> float:
    """Return the smallest value that at least so many per cent of all do not exceed."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def _search(site: Client, path: Path, wait: str | None) -> Timed:
    began = time.perf_counter()
    hits, error = 0, ""
    try:
        hits = len(site.search(path, wait="hits" if wait == "hits" else None).hits)
    except ApiError as refused:
        error = f"{refused.status} {refused.code}"
    except SemblanceError as failed:
        error = f"{type(failed).__name__}: {failed}"
    return Timed(time.perf_counter() - began, hits, error)
