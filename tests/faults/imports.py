"""`python -m tests.faults.imports`: imports are killed ten times over, and end as others do.

Each kind of source (folder, ZIP, manifest of URLs, bucket) is imported twice, into catalogues of
their own: in peace, and while the command, a worker, the broker and the vector store are killed at
random moments. It ends with 1 where the two differ, or where the audit finds a fault.
"""

import argparse
import json
import logging
import random
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle, islice
from pathlib import Path
from signal import SIGKILL

import boto3
from moto.server import ThreadedMotoServer

from tests.faults.product import Product
from tests.faults.snapshot import Snapshot, differences
from tests.integration.pictures import draw, jpeg

_SIDES = (96, 72)
_FOLDERS = ("boats", "boats/sails", "houses", "still life")
_BUCKET = "pictures"
_COMMAND = "command"
_VICTIMS = (_COMMAND, "bulk", "broker", "vectors")
# Of a command that reads, the time that its kills fall into; of the rest, between two kills.
_READING_S, _BETWEEN_S = 8.0, 6.0
_HEALED_S = 600.0
_MOST_SHOWN = 10
_KEYS = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "tests"}
_REGION = "us-east-1"


def main() -> int:
    """Import from each source twice, say what differs, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.imports", description=__doc__)
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="sources whose name has this in it")
    options = parser.parse_args()
    problems = []
    with (
        tempfile.TemporaryDirectory(prefix="semblance-imports-") as scratch,
        _sources(Path(scratch), options.pictures) as (sources, environ),
    ):
        for name, source in sources.items():
            if options.only in name:
                folder = Path(scratch) / name
                problems += _compare(name, source, options, folder=folder, environ=environ)
    for problem in problems:
        _say(f"PROBLEM: {problem}")
    _say(f"{len(problems)} problems")
    return 1 if problems else 0


def _compare(
    name: str,
    source: str,
    options: argparse.Namespace,
    *,
    folder: Path,
    environ: Mapping[str, str],
) -> list[str]:
    draws = random.Random(f"{options.seed} {name}")  # noqa: S311  # repeatable
    with _product(folder / "peace", environ) as product:
        began = time.monotonic()
        product.manage("ingest", source)
        took_s = time.monotonic() - began
        expected = _settled(product)
    with _product(folder / "fire", environ) as product:
        began = time.monotonic()
        killed = _import_under_fire(product, source, options.kills, draws)
        found = _settled(product)
        fire_s = time.monotonic() - began
        audit = product.manage("audit").stdout
    indexed = sum(row["status"] == "indexed" for row in expected["images"].values())
    lines = differences(expected, found)
    points, files = len(expected["points"]), len(expected["files"])
    _say(
        f"{name}: {indexed} pictures, {points} points, {files} files in {took_s:.0f} s; "
        f"killed {killed}: {fire_s:.0f} s, {len(lines)} differences"
    )
    problems = [f"{name}: {line}" for line in lines[:_MOST_SHOWN]]
    if indexed != options.pictures:
        problems.append(f"{name}: {indexed} pictures of {options.pictures} came in undisturbed")
    if "Catalogue, index and files agree." not in audit:
        problems.append(f"{name}: {audit.strip()}")
    return problems


def _import_under_fire(product: Product, source: str, kills: int, draws: random.Random) -> str:
    """Import, and kill now this and now that; return how often each was killed."""
    command = product.begin("ingest", source)
    counts = dict.fromkeys(_VICTIMS, 0)
    for victim in islice(cycle(_VICTIMS), kills):
        if victim == _COMMAND:
            if command.poll() is not None:
                command = product.begin("ingest", source)
            time.sleep(draws.uniform(0, _READING_S))
            command.kill()
            command.wait()
            command = product.begin("ingest", source)
        else:
            time.sleep(draws.uniform(0, _BETWEEN_S))
            since = time.monotonic()
            product.signal(victim, SIGKILL)
            product.back_s(victim, since=since, timeout_s=_HEALED_S)
        counts[victim] += 1
    while command.wait():  # what was away meanwhile may have ended it, as it says
        command = product.begin("ingest", source)
    return ", ".join(f"{victim} {count} times" for victim, count in counts.items())


def _settled(product: Product) -> Snapshot:
    """Return what the catalogue holds once nothing waits."""
    waiting = "SELECT count(*) FROM catalog_image WHERE status NOT IN ('indexed', 'failed')"
    ends_at = time.monotonic() + _HEALED_S
    while product.rows(waiting) != [(0,)] and time.monotonic() < ends_at:
        time.sleep(1.0)
    command = [sys.executable, "-m", "tests.faults.snapshot"]
    environ = product.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run(command, env=environ, stdout=subprocess.PIPE, text=True, check=True)
    taken: Snapshot = json.loads(done.stdout)
    return taken


@contextmanager
def _product(data_dir: Path, environ: Mapping[str, str]) -> Iterator[Product]:
    data_dir.mkdir(parents=True)
    product = Product(data_dir, **environ)
    try:
        yield product
    finally:
        product.end()


@contextmanager
def _sources(scratch: Path, count: int) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """Draw the pictures and offer them in four ways.

    Yields what `ingest` is told of each, and variables with which it gets at them.
    """
    pictures = scratch / "pictures"
    for each in _FOLDERS:
        (pictures / each).mkdir(parents=True)
    for seed in range(count):
        path = pictures / _FOLDERS[seed % len(_FOLDERS)] / f"{seed:05}.jpg"
        path.write_bytes(jpeg(draw(seed, width=_SIDES[0], height=_SIDES[1])))
    with _served(pictures) as site, _bucket(pictures) as endpoint:
        sources = {
            "folder": str(pictures),
            "zip": str(_zip(pictures, scratch / "pictures.zip")),
            "urls": str(_manifest(pictures, scratch / "pictures.csv", site)),
            "bucket": f"s3://{_BUCKET}/drawn",
        }
        addresses = {"S3_ENDPOINT_URL": endpoint, "FETCH_ALLOWED_NETWORKS": "127.0.0.0/8"}
        yield sources, {**_KEYS, "S3_REGION": _REGION, **addresses}


def _zip(pictures: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(pictures.rglob("*.jpg")):
            archive.write(file, file.relative_to(pictures))
    return path


def _manifest(pictures: Path, path: Path, site: str) -> Path:
    lines = ["url,title,tags,albums,external_id"]
    for number, file in enumerate(sorted(pictures.rglob("*.jpg"))):
        address = f"{site}/{file.relative_to(pictures).as_posix().replace(' ', '%20')}"
        lines.append(f"{address},Picture {number},{file.parent.name},Drawn,no-{number}")
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    handler = partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing of what is asked for."""


@contextmanager
def _bucket(pictures: Path) -> Iterator[str]:
    """Offer the pictures in a bucket; yields the server's address."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # else a line for each file
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    try:
        client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name=_REGION,
            aws_access_key_id=_KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=_KEYS["AWS_SECRET_ACCESS_KEY"],
        )
        client.create_bucket(Bucket=_BUCKET)
        for file in sorted(pictures.rglob("*.jpg")):
            key = f"drawn/{file.relative_to(pictures).as_posix()}"
            client.put_object(Bucket=_BUCKET, Key=key, Body=file.read_bytes())
        yield endpoint
    finally:
        server.stop()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
