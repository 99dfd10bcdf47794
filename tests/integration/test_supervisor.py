"""The supervisor with real, tiny processes: order, restarts, stopping, and nothing left behind."""

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local.children import Process, State
from deploy.local.errors import CannotStart
from deploy.local.guard import GRACE_S
from deploy.local.health import Probe, http_answers
from deploy.local.locks import LockHeld, hold
from deploy.local.preflight import check_port
from deploy.local.supervisor import Restarts, Supervisor

QUICK = Restarts(first_delay_s=0.05, longest_delay_s=0.2, reset_after_s=60, deaths_at_start=3)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervise(tmp_path: Path, said: list[str]) -> Iterator[Callable[..., Supervisor]]:
    made: list[Supervisor] = []

    def make(*processes: Process) -> Supervisor:
        supervisor = Supervisor(
            processes,
            log_folder=tmp_path / "logs",
            cwd=tmp_path,
            say=said.append,
            restarts=QUICK,
        )
        made.append(supervisor)
        return supervisor

    yield make
    for supervisor in made:
        supervisor.ask_to_stop()
        supervisor.ask_to_stop()
        supervisor.stop()


def shell(name: str, script: str, **behaviour: object) -> Process:
    return Process(name, ("sh", "-c", script), **behaviour)  # type: ignore[arg-type]


def written(path: Path) -> bool:
    return path.exists() and path.read_text().endswith("\n")


def when_exists(path: Path) -> Callable[[], Probe]:
    return lambda: path.exists


def is_alive(pid: int) -> bool:
    """Whether the process exists and is no zombie that its new parent has yet to bury."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def wait_until(holds: Callable[[], bool], *, timeout_s: float = 5.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds()


def test_starts_each_process_after_what_it_needs_is_healthy(
    supervise: Callable[..., Supervisor], tmp_path: Path
) -> None:
    diary = tmp_path / "diary"
    first = shell(
        "first",
        f"echo first >> {diary}; sleep 0.3; echo first-ready >> {diary}; touch ok; exec sleep 60",
        health=when_exists(tmp_path / "ok"),
    )
    once = shell("once", f"echo once >> {diary}; sleep 0.2", needs=("first",), runs_once=True)
    last = shell("last", f"echo last >> {diary}; exec sleep 60", needs=("first", "once"))

    with supervise(first, once, last) as supervisor:
        states = [supervisor.process(name).state for name in ("first", "once", "last")]
        assert states == [State.UP, State.DONE, State.UP]
        assert wait_until(lambda: diary.read_text().endswith("last\n"))

    assert diary.read_text().split() == ["first", "first-ready", "once", "last"]


def test_a_nice_process_and_its_children_let_others_go_first(
    supervise: Callable[..., Supervisor], tmp_path: Path
) -> None:
    ready, nice = tmp_path / "ready", tmp_path / "nice"
    child = shell(
        "nice",
        f"while [ ! -e {nice} ]; do sleep 0.02; done; nice > {ready}; exec sleep 60",
        health=lambda: lambda: written(ready),
        niceness=10,
    )
    threading.Timer(0.3, nice.touch).start()

    with supervise(child) as supervisor:
        group = Path(f"/proc/{supervisor.process('nice').pid}/autogroup")
        groups_niceness = group.read_text().split()[-1] if group.exists() else "10"

    assert (ready.read_text(), groups_niceness) == ("10\n", "10")


def test_stops_in_the_reverse_order(supervise: Callable[..., Supervisor], tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    processes = [
        shell(
            name,
            f"trap 'sleep 0.1; echo {name} >> {diary}; exit' TERM; touch {name}-set;"
            "while :; do sleep 0.02; done",
            needs=needs,
            health=when_exists(tmp_path / f"{name}-set"),
        )
        for name, needs in {"broker": (), "worker": ("broker",), "web": ("worker",)}.items()
    ]

    with supervise(*processes):
        pass

    assert diary.read_text().split() == ["web", "worker", "broker"]


def test_neighbours_with_the_same_needs_stop_side_by_side(
    supervise: Callable[..., Supervisor], tmp_path: Path
) -> None:
    script = "trap 'sleep 0.6; exit' TERM; touch {0}; while :; do sleep 0.02; done"
    names = ("query", "bulk", "maintenance")
    with supervise(
        *(shell(name, script.format(name), health=when_exists(tmp_path / name)) for name in names)
    ):
        begun = time.monotonic()

    assert 0.6 <= time.monotonic() - begun < 1.8


def test_restarts_a_killed_process_and_its_children(
    supervise: Callable[..., Supervisor], tmp_path: Path, said: list[str]
) -> None:
    process = shell("worker", "sleep 60 & echo $! > grandchild; wait")
    with supervise(process) as supervisor:
        grandchild = tmp_path / "grandchild"
        assert wait_until(lambda: written(grandchild))
        old_pid, old_grandchild = supervisor.process("worker").pid, int(grandchild.read_text())

        os.kill(old_pid, signal.SIGKILL)

        child = supervisor.process("worker")
        assert wait_until(lambda: child.starts == 2 and child.state is State.UP)
        assert child.pid != old_pid
        assert not is_alive(old_grandchild)
    assert said[1].startswith(
        "worker ended (killed by SIGKILL, perhaps for want of memory); starting it again in 0.05 s"
    )
    assert said[2] == "worker is up again"


def test_a_process_that_no_longer_answers_is_started_again(
    supervise: Callable[..., Supervisor], tmp_path: Path, said: list[str]
) -> None:
    script = "touch well; exec sleep 60"
    process = shell("worker", script, health=when_exists(tmp_path / "well"), hang_timeout_s=0.5)
    with supervise(process) as supervisor:
        child = supervisor.process("worker")
        old_pid = child.pid
        (tmp_path / "well").unlink()

        assert wait_until(lambda: child.starts == 2 and child.state is State.UP)
        assert not is_alive(old_pid)
    assert "worker has not answered for 0.5 s; starting it again in 0.05 s" in said[1]


def test_a_stopped_process_is_ended_and_started_again(
    supervise: Callable[..., Supervisor], tmp_path: Path
) -> None:
    (tmp_path / "healthz").write_text("ok")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    argv = (sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1")
    health = http_answers(f"http://127.0.0.1:{port}/healthz")
    with supervise(Process("web", argv, health=health, hang_timeout_s=0.5)) as supervisor:
        child = supervisor.process("web")
        os.kill(child.pid, signal.SIGSTOP)

        assert wait_until(lambda: child.starts == 2 and child.state is State.UP, timeout_s=15.0)


@pytest.mark.parametrize("later", [None, True], ids=["it cannot be asked", "it is well"])
def test_a_process_that_does_not_hang_is_left_alone(
    supervise: Callable[..., Supervisor], later: bool | None
) -> None:
    answers = itertools.chain([True], itertools.repeat(later))
    worker = shell(
        "worker", "exec sleep 60", health=lambda: lambda: next(answers), hang_timeout_s=0.2
    )
    with supervise(worker) as supervisor:
        time.sleep(1.0)

        assert supervisor.process("worker").starts == 1


def test_a_question_that_hangs_or_fails_holds_nobody_up(
    supervise: Callable[..., Supervisor], tmp_path: Path
) -> None:
    ready = itertools.chain([True], itertools.repeat(False))

    def hangs() -> bool:
        return next(ready) or not threading.Event().wait(60)

    def fails() -> bool:
        if next(fine, None) is None:
            raise RuntimeError("the broker is away")
        return True

    fine = iter([1])
    with supervise(
        shell("broker", "exec sleep 60", health=lambda: hangs, hang_timeout_s=0.2),
        shell("query", "exec sleep 60", health=lambda: fails, hang_timeout_s=60),
        shell("web", "exec sleep 60"),
    ) as supervisor:
        time.sleep(0.5)
        os.kill(supervisor.process("web").pid, signal.SIGKILL)

        web = supervisor.process("web")
        assert wait_until(lambda: web.starts == 2 and web.state is State.UP)
        begun = time.monotonic()
    assert time.monotonic() - begun < 2.0
    assert supervisor.failure is None


def test_waits_longer_after_each_death_in_a_row(
    supervise: Callable[..., Supervisor], tmp_path: Path
) -> None:
    # given a process that lives until the file that keeps it alive goes
    (tmp_path / "live").touch()
    script = "date +%s.%N >> starts; while [ -e live ]; do sleep 0.01; done"
    with supervise(shell("worker", script)) as supervisor:
        child = supervisor.process("worker")
        # when it dies again and again
        (tmp_path / "live").unlink()
        assert wait_until(lambda: child.starts >= 6)

    # then the gaps grow 0.05, 0.1, 0.2 and stay at the limit of 0.2 s (plus one look of 0.2 s)
    starts = [float(line) for line in (tmp_path / "starts").read_text().split()]
    gaps = [after - before for before, after in itertools.pairwise(starts[1:6])]
    for gap, min_gap in zip(gaps, [0.1, 0.2, 0.2, 0.2], strict=True):
        assert min_gap <= gap < min_gap + 1.0


def test_stop_lets_a_process_finish_its_work(
    supervise: Callable[..., Supervisor], tmp_path: Path
) -> None:
    script = "trap 'sleep 0.5; touch finished; exit' TERM; touch busy; while :; do sleep 0.02; done"
    busy = shell("bulk", script, health=when_exists(tmp_path / "busy"), stop_timeout_s=10.0)
    with supervise(busy) as supervisor:
        pid = supervisor.process("bulk").pid

    assert (tmp_path / "finished").exists()
    assert not is_alive(pid)


def test_stop_kills_what_does_not_end_in_time(
    supervise: Callable[..., Supervisor], tmp_path: Path, said: list[str]
) -> None:
    script = "trap '' TERM; sleep 60 & echo $! > grandchild; while :; do sleep 0.02; done"
    deaf = shell(
        "deaf", script, health=lambda: lambda: written(tmp_path / "grandchild"), stop_timeout_s=0.3
    )
    with supervise(deaf) as supervisor:
        pid = supervisor.process("deaf").pid
        begun = time.monotonic()

    assert 0.3 <= time.monotonic() - begun < 2.0
    assert not is_alive(pid)
    assert not is_alive(int((tmp_path / "grandchild").read_text()))
    assert said[-1] == "deaf was killed: it did not end in time"


def test_a_second_request_ends_at_once(
    supervise: Callable[..., Supervisor], tmp_path: Path
) -> None:
    script = "trap '' TERM; touch deaf; while :; do sleep 0.02; done"
    supervisor = supervise(
        shell("deaf", script, health=when_exists(tmp_path / "deaf"), stop_timeout_s=60.0)
    )
    supervisor.start()
    begun = time.monotonic()

    supervisor.ask_to_stop()
    supervisor.ask_to_stop()
    supervisor.stop()

    assert time.monotonic() - begun < 2.0
    assert not is_alive(supervisor.process("deaf").pid)


def test_a_crash_loop_ends_the_start_with_the_log(
    supervise: Callable[..., Supervisor], tmp_path: Path
) -> None:
    good = shell("good", "exec sleep 60")
    bad = shell("bad", "echo the table is missing >&2; exit 7", health=when_exists(tmp_path / "no"))
    supervisor = supervise(good, bad)

    with pytest.raises(CannotStart) as raised:
        supervisor.start()

    assert str(raised.value) == (
        "The process bad ended (exit code 7), 3 times in a row. "
        f"Its last lines in {tmp_path}/logs/bad.log:\n"
        + "\n".join(["    the table is missing"] * 3)
    )
    assert supervisor.process("bad").starts == 3
    assert not is_alive(supervisor.process("good").pid)


def test_a_step_that_fails_ends_the_start(supervise: Callable[..., Supervisor]) -> None:
    step = shell("migrate", "echo no such table >&2; exit 1", runs_once=True)
    with pytest.raises(
        CannotStart, match=r"The process migrate failed \(exit code 1\)\."
    ) as raised:
        supervise(step).start()
    assert str(raised.value).endswith("    no such table")


def test_a_process_that_never_answers_ends_the_start(
    supervise: Callable[..., Supervisor], tmp_path: Path
) -> None:
    mute = shell("mute", "exec sleep 60", health=when_exists(tmp_path / "no"), start_timeout_s=0.3)
    supervisor = supervise(mute)
    with pytest.raises(CannotStart, match=r"The process mute did not answer within 0\.3 s\."):
        supervisor.start()
    assert not is_alive(supervisor.process("mute").pid)


def test_a_command_that_does_not_exist_ends_the_start(
    supervise: Callable[..., Supervisor],
) -> None:
    with pytest.raises(CannotStart, match="The process ghost cannot be started"):
        supervise(Process("ghost", ("/nowhere/at-all",))).start()


SUPERVISOR_SCRIPT = """
import json, sys, time
from pathlib import Path
from deploy.local.children import Process
from deploy.local.supervisor import Supervisor

folder, trap = Path(sys.argv[1]), sys.argv[2]
pid_file = folder / "grandchild"
loop = f"{trap} echo $$ > new; mv new {pid_file}; while :; do sleep 0.05; done"
script = f"{trap} sh -c '{loop}' & {trap} wait; wait"
child = Process("child", ("sh", "-c", script), health=lambda: pid_file.exists)
supervisor = Supervisor([child], log_folder=folder / "logs", cwd=folder)
supervisor.start()
print(json.dumps([supervisor.process("child").pid, int(pid_file.read_text())]), flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("trap", "within_s"),
    [
        pytest.param("", 2.0, id="children that end when asked"),
        pytest.param("trap : TERM;", GRACE_S + 2.0, id="children that do not"),
    ],
)
def test_kill_9_of_the_supervisor_leaves_nothing(
    tmp_path: Path, trap: str, within_s: float
) -> None:
    # given a supervisor with a child and a grandchild
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR_SCRIPT, str(tmp_path), trap],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as supervisor:
        assert supervisor.stdout is not None
        pids = json.loads(supervisor.stdout.readline())
        assert all(is_alive(pid) for pid in pids)
        # when it is killed
        supervisor.kill()
    # then both are gone soon
    assert wait_until(lambda: not any(is_alive(pid) for pid in pids), timeout_s=within_s)


def test_a_lock_is_held_until_its_process_dies(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    code = (
        "import sys, time; from pathlib import Path; from deploy.local.locks import hold\n"
        "lock = hold(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(LockHeld) as raised:
            hold(path)
        assert raised.value.holder == str(holder.pid)
        holder.kill()
    hold(path, wait_s=2.0).release()


def test_a_port_in_use_is_one_sentence_with_the_way_out() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(CannotStart) as raised:
            check_port("127.0.0.1", port, variable="WEB_PORT")
    assert str(raised.value) == (
        f"Port {port} on 127.0.0.1 is in use; choose another with WEB_PORT={port + 1}."
    )
    check_port("127.0.0.1", port, variable="WEB_PORT")


def test_http_health_wants_a_good_answer(tmp_path: Path) -> None:
    (tmp_path / "healthz").write_text("ok")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    healthy = http_answers(f"http://127.0.0.1:{port}/healthz")()
    missing = http_answers(f"http://127.0.0.1:{port}/other")()
    assert healthy() is False
    with subprocess.Popen(
        [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        assert wait_until(lambda: healthy() is True)
        assert missing() is None  # it answers, so that it does not hang
        server.terminate()
