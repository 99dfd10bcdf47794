"""Builds that tests make: a product that does nothing but answer, and keeps a diary of it."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

from bench.builds.checkout import Build

_TABLES = """
    CREATE TABLE IF NOT EXISTS ingestion_import (id, created_at, finished_at, found);
    CREATE TABLE IF NOT EXISTS catalog_image (id, sha256, status, indexed_at);
    CREATE TABLE IF NOT EXISTS ingestion_import_images (import_id, image_id);
"""
# What it is handed in its environment, its site, its answers, and its end.
_SUPERVISOR = """
    import hashlib, http.server, json, os, pathlib, signal, sqlite3, sys, threading
    from urllib.parse import urlsplit

    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])  # kept until it is waited for
    root, data = pathlib.Path.cwd(), pathlib.Path(os.environ["DATA_DIR"])
    told = json.loads((root / "told.json").read_text())
    if told["last_words"]:
        sys.exit(told["last_words"])

    def note(*words):
        with open(told["diary"], "a") as diary:
            diary.write(json.dumps([root.name, *words]) + "\\n")

    class Site(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *words):
            pass

        def do_GET(self):
            self.answer(200, {})

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            note("search", urlsplit(self.path).query, hashlib.sha256(body).hexdigest())
            if told["refuses"]:
                self.answer(503, {"error": {"code": "busy", "sentence": told["refuses"]}})
                return
            with sqlite3.connect(data / "db.sqlite3") as database:
                (first,) = database.execute("SELECT min(id) FROM catalog_image").fetchone()
            dashed = "-".join((first[:8], first[8:12], first[12:16], first[16:20], first[20:]))
            self.answer(200, {"groups": [{"hits": [{"image_id": dashed}]}], "model_ms": 1.5,
                "are_copies_checked": told["is_complete"]})

        def answer(self, status, body):
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.send_header("Set-Cookie", "csrftoken=cookie")
            self.end_headers()
            self.wfile.write(text)

    data.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(data / "db.sqlite3") as database:
        database.executescript(told["tables"])
    site = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["WEB_PORT"])), Site)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    note("start", sorted(name for name in told["variables"] if name in os.environ))
    print("\\nSemblance is ready after 0 s.", flush=True)
    signal.sigwait([signal.SIGTERM])
    note("end")
"""
# Every picture takes the seconds that it was told, by its own account; a tenth of them to be read.
_MANAGE = """
    import datetime, hashlib, json, os, pathlib, sqlite3, sys, time, uuid

    root, data = pathlib.Path(__file__).parent, pathlib.Path(os.environ["DATA_DIR"])
    told = json.loads((root / "told.json").read_text())
    if told["fails"]:
        sys.exit(told["fails"])
    if sys.argv[1] == "migrate":
        with sqlite3.connect(data / "db.sqlite3") as database:
            database.executescript(told["tables"])
        sys.exit()
    files = sorted(pathlib.Path(sys.argv[2]).iterdir())
    with open(told["diary"], "a") as diary:
        shas = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
        word = "read" if "--no-wait" in sys.argv else "ingest"
        diary.write(json.dumps([root.name, word, files[0].parent.name, shas]) + "\\n")
    def searches():
        entries = [json.loads(line) for line in open(told["diary"])]
        return sum(entry[:2] == [root.name, "search"] for entry in entries)

    wanted = searches() + told["lasts_searches"] * (files[0].parent.name != "pictures")
    started = datetime.datetime.now()
    import_id = uuid.uuid4().hex
    with sqlite3.connect(data / "db.sqlite3") as database:
        read = started + datetime.timedelta(seconds=len(files) * told["picture_s"] / 10)
        row = (import_id, str(started), str(read), len(files))
        database.execute("INSERT INTO ingestion_import VALUES (?, ?, ?, ?)", row)
    time.sleep(told["lasts_s"])
    while searches() < wanted:
        time.sleep(0.01)
    with sqlite3.connect(data / "db.sqlite3") as database:
        for number, sha in enumerate(shas[: len(shas) - told["loses"]], start=1):
            image_id = uuid.uuid4().hex
            at = started + datetime.timedelta(seconds=number * told["picture_s"])
            row = (image_id, sha, "indexed", at.isoformat(" ", "microseconds"))
            database.execute("INSERT INTO catalog_image VALUES (?, ?, ?, ?)", row)
            link = (import_id, image_id)
            database.execute("INSERT INTO ingestion_import_images VALUES (?, ?)", link)
"""

MakeBuild = Callable[..., Build]


def make_build(
    folder: Path,
    diary: Path,
    *,
    picture_s: float = 1.0,
    loses: int = 0,
    lasts_s: float = 0.0,
    lasts_searches: int = 0,
    fails: str = "",
    refuses: str = "",
    is_complete: bool = True,
    last_words: str = "",
    variables: tuple[str, ...] = (),
) -> Build:
    """Write a build that is named as its folder.

    Args:
        folder: where it is written.
        diary: the file that it keeps: a JSON list a line.
        picture_s: seconds that a picture takes, as its database says.
        loses: how many pictures of an import are never indexed.
        lasts_s: seconds that an import really goes on.
        lasts_searches: searches that an import waits for, but that of the catalogue itself.
        fails: what its `manage.py` says and fails with.
        refuses: what it answers searches with.
        is_complete: whether its answers say that all copies were compared.
        last_words: what it says instead of coming up.
        variables: of its environment, those that it notes.
    """
    (folder / "deploy" / "local").mkdir(parents=True)
    for package in ("deploy", "deploy/local"):
        (folder / package / "__init__.py").touch()
    (folder / "deploy" / "local" / "__main__.py").write_text(dedent(_SUPERVISOR))
    (folder / "manage.py").write_text(dedent(_MANAGE))
    told = {
        "diary": str(diary),
        "tables": _TABLES,
        "picture_s": picture_s,
        "loses": loses,
        "lasts_s": lasts_s,
        "lasts_searches": lasts_searches,
        "fails": fails,
        "refuses": refuses,
        "is_complete": is_complete,
        "last_words": last_words,
        "variables": variables,
    }
    (folder / "told.json").write_text(json.dumps(told))
    return Build(folder.name, folder, Path(sys.executable))


def read_diary(diary: Path) -> list[list[object]]:
    """Return what the builds noted, in order."""
    return [json.loads(line) for line in diary.read_text().splitlines()]
