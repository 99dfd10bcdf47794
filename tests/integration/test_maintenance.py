"""The maintenance process: it starts without a database, waits for one, and ends when asked."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from config.env import ROOT
from deploy.local.health import touched_lately


def test_it_lives_without_a_database_and_ends_when_asked(tmp_path: Path) -> None:
    environ = {**os.environ, "DATA_DIR": str(tmp_path), "PYTHONPATH": f"{ROOT}/platform:{ROOT}"}
    environ.pop("DJANGO_SETTINGS_MODULE", None)
    probe = touched_lately(tmp_path / "run" / "maintenance", within_s=5)()
    with subprocess.Popen(
        [sys.executable, "-m", "workers.maintenance"], cwd=ROOT, env=environ
    ) as process:
        deadline = time.monotonic() + 60
        while not probe() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert probe()
        process.send_signal(signal.SIGTERM)

        assert process.wait(timeout=10) == 0
