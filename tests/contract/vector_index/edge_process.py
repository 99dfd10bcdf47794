"""Starting and ending the embedded store's real process."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import httpx

REPOSITORY = Path(__file__).resolve().parents[3]
_START_TIMEOUT_S = 30.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class EdgeProcess:
    """``python -m vectors.edge`` over ``data``; a context manager that ends what it started."""

    def __init__(self, data: Path, port: int | None = None) -> None:
        self.data = data
        self.port = free_port() if port is None else port
        self.url = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "vectors.edge"]
        command += ["--data", str(data), "--port", str(self.port)]
        self._process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": f"platform{os.pathsep}."},
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_until_healthy(self) -> Self:
        deadline = time.monotonic() + _START_TIMEOUT_S
        with httpx.Client(trust_env=False, timeout=5.0) as client:
            while True:
                if self._process.poll() is not None:
                    raise RuntimeError(f"the process ended: {self.wait()}")
                try:
                    assert client.get(f"{self.url}/healthz").status_code == 200
                except httpx.TransportError:
                    assert time.monotonic() < deadline, "the process does not answer"
                    time.sleep(0.05)
                else:
                    return self

    def kill(self) -> None:
        """End it as the kernel would when memory runs out: nothing of it runs any more."""
        self._process.kill()
        self.wait()

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        self._process.send_signal(number)
        return self.wait()

    def wait(self) -> tuple[int, str]:
        """Return (exit status, what it wrote to stderr)."""
        _, errors = self._process.communicate(timeout=_START_TIMEOUT_S)
        return self._process.returncode, errors

    def __enter__(self) -> Self:
        return self.wait_until_healthy()

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.end()
