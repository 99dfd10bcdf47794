"""`manage.py bench ingest`: what does everything around the models cost?

The whole product is started in a scratch folder, takes in the pictures, is measured and ended.
The same pictures go through the bare models, alone on the machine, before and after.
"""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import mean

from PIL import Image, ImageOps

from config.env import ROOT
from ml.rules.file_types import PICTURE_ENDINGS, ending_of

_STOP_S = 180.0
# Pictures before the measured ones: two chunks for each of two processes. The bare models, too,
# index some before its clock starts.
_WARM_UP = 256
# Variables that would point the scratch product at the real one's parts.
_REAL_PARTS = ("DATABASE_URL", "BROKER_URL", "QDRANT_URL", "S3_BUCKET", "IMAGES")


@dataclass(frozen=True, slots=True)
class IngestFigures:
    """Throughputs in pictures a second, and how many pictures ended indexed."""

    pictures: int
    indexed: int
    ingest_per_s: float
    bare_before_per_s: float
    bare_after_per_s: float

    @property
    def ratio(self) -> float:
        """Ingestion's share of the bare models' throughput (mean of before and after)."""
        return self.ingest_per_s / mean((self.bare_before_per_s, self.bare_after_per_s))


def measure(source: Path, scratch: Path, *, count: int) -> IngestFigures:
    """Ingest `count` pictures made from those in `source`, and run the bare models on the same.

    Raises:
        ValueError: `source` has no pictures.
        RuntimeError: the product did not come up.
        subprocess.CalledProcessError: a measuring process failed; its text went to the terminal.
    """
    pictures, first = scratch / "pictures", scratch / "first"
    write_pictures(source, pictures, count=count)
    write_warm_up(pictures, first)
    before = _bare_per_s(pictures)
    with _product(scratch / "data") as env:
        _run(["manage.py", "ingest", str(first)], env)
        _run(["manage.py", "ingest", str(pictures)], env)
        indexed, seconds = _read_end(scratch / "data" / "db.sqlite3")
    after = _bare_per_s(pictures)
    return IngestFigures(count, indexed, indexed / seconds, before, after)


def write_pictures(source: Path, target: Path, *, count: int) -> None:
    """Copy the pictures of `source`; make up the number with mirrored ones, then turned ones."""
    originals = sorted(
        path for path in source.rglob("*") if ending_of(path.name) in PICTURE_ENDINGS
    )
    if not originals:
        raise ValueError(f"There is no picture in {source}.")
    if count > 4 * len(originals):
        raise ValueError(f"{source} has {len(originals)} pictures, too few to make {count}.")
    target.mkdir(parents=True)
    edits = (None, ImageOps.mirror, ImageOps.flip, lambda picture: picture.rotate(180))
    for number in range(count):
        original, edit = originals[number % len(originals)], edits[number // len(originals)]
        copy = target / f"{number:06}{original.suffix.lower()}"
        if edit is None:
            copy.write_bytes(original.read_bytes())
            continue
        with Image.open(original) as opened:
            edit(opened.convert("RGB")).save(copy.with_suffix(".jpg"), quality=90)


def write_warm_up(pictures: Path, target: Path) -> None:
    """Write a few pictures more, in negative, so that every worker has worked before the clock."""
    target.mkdir()
    for path in sorted(pictures.iterdir())[:_WARM_UP]:
        with Image.open(path) as opened:
            ImageOps.invert(opened.convert("RGB")).save(target / f"{path.stem}.jpg")


def _bare_per_s(pictures: Path) -> float:
    """Return the models' own pace, in a process that does nothing else."""
    return float(_run(["-m", "workers.bare_models", str(pictures)], dict(os.environ)))


def _run(arguments: list[str], env: dict[str, str]) -> str:
    done = subprocess.run(  # noqa: S603  # our own modules
        [sys.executable, *arguments], cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE
    )
    return done.stdout.decode().strip()


@contextmanager
def _product(data_dir: Path) -> Iterator[dict[str, str]]:
    """Run the product in a folder of its own; yields the environment that points at it."""
    env = {name: value for name, value in os.environ.items() if name not in _REAL_PARTS}
    env |= {
        "DATA_DIR": str(data_dir),
        "WEB_PORT": str(_free_port()),
        "VECTORS_PORT": str(_free_port()),
        "PYTHONPATH": f"{ROOT / 'platform'}{os.pathsep}{ROOT}",
    }
    supervisor = subprocess.Popen(  # our own module
        [sys.executable, "-m", "deploy.local"], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True
    )
    try:
        _wait_until_ready(supervisor)
        yield env
    finally:
        supervisor.send_signal(signal.SIGTERM)
        supervisor.communicate(timeout=_STOP_S)


def _wait_until_ready(supervisor: subprocess.Popen[str]) -> None:
    """Read what the supervisor says until all parts are up; it gives up by itself if one fails."""
    for line in supervisor.stdout or ():
        if line.startswith("Semblance is ready"):
            return
    raise RuntimeError("The scratch product did not come up.")


def _read_end(database: Path) -> tuple[int, float]:
    """Return how many images of the last import were indexed, and in how many seconds."""
    with closing(sqlite3.connect(database)) as connection:
        import_id, started = connection.execute(
            "SELECT id, created_at FROM ingestion_import ORDER BY created_at DESC"
        ).fetchone()
        indexed, ended = connection.execute(
            "SELECT count(*), max(indexed_at) FROM catalog_image JOIN ingestion_import_images "
            "ON image_id = catalog_image.id WHERE import_id = ? AND status = 'indexed'",
            (import_id,),
        ).fetchone()
    took = datetime.fromisoformat(ended) - datetime.fromisoformat(started)
    return indexed, took.total_seconds()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
