"""A model hub of one folder on a local port, as far as a download needs one."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

REPO_ID = "somebody/small-clip"
COMMIT = "a" * 40


class HubServer:
    """Serves the files of one repository at any revision, and counts requests.

    Attributes:
        commits: what a revision stands for; others that are commits stand for themselves.
        lost: revisions that it does not have.
    """

    def __init__(self, repo_id: str, folder: Path) -> None:
        self.repo_id = repo_id
        self.folder = folder
        self.requests: list[str] = []
        self.commits = {"main": COMMIT}
        self.lost = {"gone"}
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self.answer(with_body=False)

            def do_GET(self) -> None:
                self.answer(with_body=True)

            def answer(self, *, with_body: bool) -> None:
                server.requests.append(f"{self.command} {self.path}")
                repo_id, _, rest = self.path.lstrip("/").partition("/resolve/")
                revision, _, name = rest.partition("/")
                file = server.folder / name
                if repo_id != server.repo_id:
                    return self.refuse("RepoNotFound")
                if revision in server.lost:
                    return self.refuse("RevisionNotFound")
                if not file.is_file():
                    return self.refuse("EntryNotFound")
                content = file.read_bytes()
                commit = revision if len(revision) == len(COMMIT) else COMMIT
                self.send_response(200)
                self.send_header("X-Repo-Commit", server.commits.get(revision, commit))
                self.send_header("ETag", f'"{name}-1"')
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if with_body:
                    self.wfile.write(content)
                return None

            def refuse(self, code: str) -> None:
                self.send_response(404)
                self.send_header("X-Error-Code", code)
                self.send_header("X-Repo-Commit", COMMIT)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    @contextmanager
    def running(self) -> Iterator["HubServer"]:
        thread = Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield self
        finally:
            self._http.shutdown()
            self._http.server_close()
            thread.join()


def put_on_disk(cache: Path, repo_id: str, folder: Path) -> None:
    """Lay out a cache as the hub's library does, without its help."""
    root = cache / f"models--{repo_id.replace('/', '--')}"
    shutil.copytree(folder, root / "snapshots" / COMMIT)
    (root / "refs").mkdir()
    (root / "refs" / "main").write_text(COMMIT)
