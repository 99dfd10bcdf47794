"""The product as an operator has it: one command in a process of its own, and what it says."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from config.env import ROOT
from deploy.local.product import environment
from metrics.processes import role_of
from tests.integration.product import free_port, processes_of

_UP = re.compile(r"(\w+) is up( again)?")
_FAILED = re.compile(r"(\w+) (?:ended|has not answered|cannot be started)")


@dataclass(frozen=True, slots=True)
class Said:
    """A line of the supervisor's, and when it was read (`time.monotonic`)."""

    at: float
    text: str


class Product:
    """A running Semblance whose supervisor is another process."""

    def __init__(self, data_dir: Path, **environ: str) -> None:
        """Start it, with variables of its own, and return when everything is up."""
        self.data_dir = data_dir
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.environ = {
            **environment(),
            "DATA_DIR": str(data_dir),
            "MODELS_DIR": str(data_dir.parent / "models"),
            "WEB_PORT": str(port),
            "VECTORS_PORT": str(free_port()),
            "ENCODER": "semblance_lite",
            "DETECTOR": "ssd_mobilenet",
            **environ,
        }
        self.environ.pop("DJANGO_SETTINGS_MODULE", None)
        self.said: list[Said] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "deploy.local"],
            cwd=ROOT,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        threading.Thread(target=self._listen, daemon=True).start()
        if not self._hears("Semblance is ready", since=0.0, timeout_s=600):
            raise RuntimeError("The product did not come up.")

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a management command; both streams are kept."""
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.environ, capture_output=True, text=True, timeout=900
        )

    def begin(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a management command and return at once; nobody reads what it writes."""
        command = [sys.executable, "manage.py", *arguments]
        nobody = subprocess.DEVNULL
        return subprocess.Popen(
            command, cwd=ROOT, env=self.environ, stdin=nobody, stdout=nobody, stderr=nobody
        )

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """Return what the catalogue's database answers."""
        with closing(sqlite3.connect(self.data_dir / "db.sqlite3", timeout=60)) as connection:
            return connection.execute(sql).fetchall()

    def processes(self, role: str) -> list[psutil.Process]:
        """Return the processes of a part."""
        found = []
        for process in psutil.Process(self._process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if role_of(" ".join(process.cmdline())) == role:
                    found.append(process)
        return found

    def signal(self, role: str, number: signal.Signals) -> list[psutil.Process]:
        """Send a signal to all processes of a part, and return them."""
        processes = self.processes(role)
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        return processes

    def back_s(self, role: str, *, since: float, timeout_s: float) -> float | None:
        """Return the seconds from `since` until the part was up again; None: it never was."""
        said = self._hears(f"{role} is up again", since=since, timeout_s=timeout_s)
        return None if said is None else said.at - since

    def downs(self, *, since: float) -> Sequence[str]:
        """Return which parts the supervisor found ended or hanging."""
        lines = [said.text for said in list(self.said) if said.at >= since]
        return [found[1] for line in lines if (found := _FAILED.search(line))]

    def kill_supervisor(self, *, within_s: float) -> int:
        """End the supervisor with -9, and return how many processes are left after a while."""
        self._process.kill()
        self._process.wait()
        ends_at = time.monotonic() + within_s
        while processes_of(self.data_dir) and time.monotonic() < ends_at:
            time.sleep(0.2)
        return len(processes_of(self.data_dir))

    def end(self) -> None:
        """Ask it to end, and wait."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(180)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said.append(Said(time.monotonic(), line.rstrip()))

    def _hears(self, text: str, *, since: float, timeout_s: float) -> Said | None:
        ends_at = time.monotonic() + timeout_s
        while time.monotonic() < ends_at and self._process.poll() is None:
            for said in list(self.said):
                if said.at >= since and text in said.text:
                    return said
            time.sleep(0.05)
        return None


def is_root() -> bool:
    """Return whether this process may mount."""
    return os.geteuid() == 0
