"""`manage.py bench search|ingest|index`: figures of this machine, printed side by side."""

import subprocess
import tempfile
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

import httpx
from django.core.management.base import BaseCommand, CommandError

from bench import indexing, ingesting, searching
from catalog.vector_store import scratch_index
from config.env import read_env
from kernel.errors import AppError
from kernel.messages import sentence


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ArgumentTypeError(f"{text} is not at least 1")
    return value


class Command(BaseCommand):
    help = "Measure searching, ingesting or the vector store."

    def add_arguments(self, parser: ArgumentParser) -> None:
        kinds = parser.add_subparsers(dest="kind", required=True)
        search = kinds.add_parser("search", help="edited copies against the running site")
        search.add_argument("--tries", type=positive, default=100)
        search.add_argument("--seed", type=int, default=0)
        search.add_argument("--url", help="the site's address; this machine's by default")
        ingest = kinds.add_parser("ingest", help="ingestion beside the bare models, in a scratch")
        ingest.add_argument("source", type=Path, help="a folder of pictures")
        ingest.add_argument("--count", type=positive, default=1000)
        index = kinds.add_parser("index", help="the vector store beside faiss")
        index.add_argument("--count", type=positive, default=20_000)
        index.add_argument("--dim", type=positive, default=512)
        index.add_argument("--seed", type=int, default=0)

    def handle(self, *, kind: str, **options: Any) -> None:
        measure = {"search": self._search, "ingest": self._ingest, "index": self._index}[kind]
        try:
            measure(options)
        except AppError as error:
            raise CommandError(sentence(error.code, **error.context)) from error
        except (ValueError, RuntimeError, httpx.HTTPError, subprocess.CalledProcessError) as error:
            raise CommandError(str(error)) from error

    def _search(self, options: dict[str, Any]) -> None:
        web = read_env().web
        url = options["url"] or f"http://{web.host}:{web.port}"
        figures = searching.measure(url, tries=options["tries"], seed=options["seed"])
        self.stdout.write(
            f"Catalogue: {figures.images} images. Query: half size, mirrored, JPEG 60.\n"
            f"Original first: {figures.found_first} of {figures.tries}\n"
            f"A search, median: {figures.total_ms:.1f} ms, of it {figures.model_ms:.1f} ms in "
            f"the models and {figures.outside_ms:.1f} ms outside "
            f"(95th percentile {figures.outside_p95_ms:.1f} ms)"
        )

    def _ingest(self, options: dict[str, Any]) -> None:
        with tempfile.TemporaryDirectory(prefix="semblance-bench-") as scratch:
            figures = ingesting.measure(options["source"], Path(scratch), count=options["count"])
        self.stdout.write(
            f"{figures.indexed} of {figures.pictures} pictures indexed\n"
            f"Bare models:  {figures.bare_before_per_s:.1f} pictures/s before, "
            f"{figures.bare_after_per_s:.1f} after\n"
            f"Ingestion:    {figures.ingest_per_s:.1f} pictures/s\n"
            f"Ratio:        {figures.ratio:.0%}"
        )

    def _index(self, options: dict[str, Any]) -> None:
        count, dim = options["count"], options["dim"]
        with scratch_index(dim=dim) as store:
            measured = indexing.measure(store, count=count, seed=options["seed"])
        self.stdout.write(f"{count} clustered embeddings of {dim}, top 20, one query at a time")
        for row in measured:
            self.stdout.write(
                f"{row.name:<26} p50 {row.p50_ms:6.2f} ms   p95 {row.p95_ms:6.2f} ms   "
                f"recall@20 {row.recall_at_20:.4f}   {row.upserts_per_s:8.0f} upserts/s"
            )
