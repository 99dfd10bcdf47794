"""The broker from the wheel, run directly: durable, private, one to a folder; and Celery on it."""

import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from deploy.local.children import Process
from deploy.local.health import broker_answers, worker_answers
from deploy.local.supervisor import Supervisor

ROOT = Path(__file__).resolve().parents[2]

StartBroker = Callable[[], subprocess.Popen[bytes]]


def broker_command(folder: Path, *, wait_s: float = 5.0) -> tuple[str, ...]:
    options = ("--folder", str(folder / "data"), "--socket", str(folder / "run" / "sock"))
    return (sys.executable, "-m", "deploy.local.broker", *options, "--wait-s", str(wait_s))


def wait_until(holds: Callable[[], bool], *, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds()


@pytest.fixture
def start_broker(tmp_path: Path) -> Iterator[StartBroker]:
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        process = subprocess.Popen(broker_command(tmp_path), cwd=ROOT, stdout=subprocess.DEVNULL)
        started.append(process)
        assert wait_until(broker_answers(tmp_path / "run" / "sock")(), timeout_s=5.0)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_what_was_set_survives_kill_9(start_broker: StartBroker, tmp_path: Path) -> None:
    first = start_broker()
    client = redis.Redis(unix_socket_path=str(tmp_path / "run" / "sock"))
    for number in range(100):
        client.set(f"key-{number}", number)
    time.sleep(1.2)  # the file is synced every second

    first.kill()
    first.wait()
    start_broker()

    assert [int(client.get(f"key-{number}")) for number in range(100)] == list(range(100))


def test_only_this_user_can_reach_it(start_broker: StartBroker, tmp_path: Path) -> None:
    start_broker()
    modes = {
        name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("run", "data", "run/sock")
    }
    assert modes == {"run": 0o700, "data": 0o700, "run/sock": 0o700}
    client = redis.Redis(unix_socket_path=str(tmp_path / "run" / "sock"))
    assert client.config_get("port") == {"port": "0"}


def test_a_second_broker_on_the_same_folder_is_refused(
    start_broker: StartBroker, tmp_path: Path
) -> None:
    first = start_broker()

    second = subprocess.run(
        broker_command(tmp_path, wait_s=0.0), cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert second.returncode == 1
    assert second.stderr == (
        f"Another broker (process {first.pid}) uses {tmp_path}/data; end it first.\n"
    )
    assert broker_answers(tmp_path / "run" / "sock")()()


CELERY_APP = """
import os, pathlib, time
from celery import Celery
url = "redis+socket://" + os.environ["SOCKET"]
app = Celery(broker=url, backend=url)
app.conf.worker_prefetch_multiplier = 1
app.conf.worker_direct = True

@app.task(name="warm_up", bind=True)
def warm_up(self):
    with open(os.environ["SOCKET"] + ".warm", "a") as warm:
        warm.write(self.request.hostname + "\\n")

@app.task(name="slow", acks_late=True)
def slow(path):
    pathlib.Path(path + ".begun").touch()
    time.sleep(1.5)
    pathlib.Path(path).touch()
"""


def celery_supervisor(tmp_path: Path, *names: str) -> Supervisor:
    """A supervisor of a broker and of workers of one queue."""
    path = tmp_path / "run" / "sock"
    url = f"redis+socket://{path}"
    (tmp_path / "worker_app.py").write_text(CELERY_APP)
    alone = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    arguments = ("--queues", "query", "--concurrency", "1", *alone)
    command = (sys.executable, "-m", "celery", "-A", "worker_app", "worker", *arguments)
    workers = [
        Process(
            name,
            (*command, "--hostname", f"{name}@here"),
            needs=("broker",),
            health=worker_answers(url, f"{name}@here", warm_up="warm_up"),
            stop_timeout_s=10.0,
        )
        for name in names
    ]
    return Supervisor(
        [Process("broker", broker_command(tmp_path), health=broker_answers(path)), *workers],
        log_folder=tmp_path / "logs",
        cwd=ROOT,
        # Not the whole environment: Celery would take up pytest's Django settings.
        environ={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{tmp_path}:{ROOT}",
            "SOCKET": str(path),
        },
    )


def test_each_of_several_workers_of_a_queue_is_warmed_up(tmp_path: Path) -> None:
    with celery_supervisor(tmp_path, "query1", "query2"):
        warm = (tmp_path / "run" / "sock.warm").read_text().split()

    assert sorted(warm) == ["query1@here", "query2@here"]


def test_celery_on_it_is_found_healthy_and_finishes_its_task_on_stop(tmp_path: Path) -> None:
    # given a broker and a worker under the supervisor
    url = f"redis+socket://{tmp_path}/run/sock"
    with celery_supervisor(tmp_path, "query"):
        # when it is stopped within a task
        from celery import Celery

        done = tmp_path / "done"
        with Celery(broker=url, backend=url) as app:
            app.send_task("slow", args=[str(done)], queue="query")
        assert wait_until((tmp_path / "done.begun").exists, timeout_s=5.0)
        assert not done.exists()

    # then the task was finished first
    assert done.exists()
