"""One child process: what it is, how it is started, watched and ended."""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from deploy.local.health import Health, alive
from deploy.local.watching import ProbeWatch

# prctl's option number, from linux/prctl.h.
_PR_SET_PDEATHSIG = 1

# A log is cut back to nothing, its text kept beside it once, when it passes this size.
LOG_LIMIT_BYTES = 10 * 1024 * 1024
_TAIL_BYTES = 16 * 1024
# So often is a process asked before it is taken to hang.
_QUESTIONS = 5


@dataclass(frozen=True, slots=True)
class Process:
    """What to run and how it behaves.

    Attributes:
        name: short and unique; names the log file too.
        argv: the command, without a shell.
        needs: names of processes that must be up (or done) before this one is started.
        health: makes a probe, asked again and again after each start.
        start_timeout_s: seconds from start to a True probe; past them the start has failed.
        hang_timeout_s: seconds without a True probe after that, past which it hangs and is started
            again.
        stop_signal: what asks it to finish its work and end.
        stop_timeout_s: seconds it then has before its whole process group is killed.
        runs_once: it ends by itself; exit code 0 is success, anything else ends the start.
        shows_output: its standard output goes to the terminal and into no file.
        niceness: 0..19: how far it lets others go first where cores are short; see nice(2).
    """

    name: str
    argv: tuple[str, ...]
    needs: tuple[str, ...] = ()
    health: Health = alive
    start_timeout_s: float = 60.0
    hang_timeout_s: float = 15.0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout_s: float = 10.0
    runs_once: bool = False
    shows_output: bool = False
    niceness: int = 0


class State(StrEnum):
    """Where a child is in its life."""

    WAITING = "waiting"
    STARTING = "starting"
    UP = "up"
    DONE = "done"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all children share: folder of the logs, working directory, environment."""

    log_folder: Path
    cwd: Path
    environ: Mapping[str, str]


class Child:
    """The running (or waiting) instance of one `Process`. It takes no decision of its own."""

    def __init__(self, process: Process, surroundings: Surroundings) -> None:
        """Describe a child that has not been started yet."""
        self.process = process
        self.state = State.WAITING
        self.starts = 0
        self.deaths = 0  # in a row: back to zero after a long life
        self.not_before = 0.0  # monotonic seconds
        self.since = 0.0  # monotonic seconds at which the current state began
        self.log = surroundings.log_folder / f"{process.name}.log"
        self._surroundings = surroundings
        self._popen: subprocess.Popen[bytes] | None = None
        self.watch: ProbeWatch | None = None

    @property
    def pid(self) -> int:
        """Process id of the latest start, which is its process group too; 0 before the first."""
        return 0 if self._popen is None else self._popen.pid

    @property
    def _started(self) -> subprocess.Popen[bytes]:
        if self._popen is None:
            raise RuntimeError(f"{self.process.name} was never started")
        return self._popen

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not been seen to end."""
        return self.state in {State.STARTING, State.UP}

    @property
    def age_s(self) -> float:
        """Seconds in the current state."""
        return time.monotonic() - self.since

    def enter(self, state: State) -> None:
        """Change the state and note when."""
        self.state = state
        self.since = time.monotonic()
        if self.watch is not None and not self.is_running:
            self.watch.end()
            self.watch = None

    def start(self) -> None:
        """Start it in a session of its own. Call it from a thread that outlives the child.

        Linux sends the parent-death signal when the *thread* that forked ends, not the process.

        Raises:
            OSError: the command or the log cannot be opened.
        """
        shorten(self.log)
        with self.log.open("ab") as log:
            self._popen = subprocess.Popen(  # noqa: S603  # our own topology, no shell
                self.process.argv,
                stdin=subprocess.DEVNULL,
                stdout=None if self.process.shows_output else log,
                stderr=log,
                cwd=self._surroundings.cwd,
                env=dict(self._surroundings.environ),
                start_new_session=True,
                # Nothing but two system calls run there, so other threads cannot block it.
                preexec_fn=_parent_death_signal(),  # noqa: PLW1509
            )
        if self.process.niceness:
            _be_nice(self._popen.pid, self.process.niceness)
        self.starts += 1
        if not self.process.runs_once:
            every_s = self.process.hang_timeout_s / _QUESTIONS
            self.watch = ProbeWatch(self.process.health(), every_s=every_s, name=self.process.name)
        self.enter(State.STARTING)

    def exit_code(self) -> int | None:
        """Return how it ended (negative: by that signal), None while it runs."""
        return self._started.poll()

    def signal(self, number: signal.Signals) -> None:
        """Signal the child alone: Celery and gunicorn look after their own children."""
        self._started.send_signal(number)

    def kill_group(self) -> None:
        """Kill the child and everything it started, and wait for the child."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._started.pid, signal.SIGKILL)
        self._started.wait()

    def tail(self, lines: int = 12) -> str:
        """Return the last lines of its log, indented; empty when there is none."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - _TAIL_BYTES))
            text = log.read().decode(errors="replace")
        return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])


def _be_nice(pid: int, niceness: int) -> None:
    """Let others go first, on Linux also those of other sessions, which share cores by session.

    Source: sched(7), "The autogroup feature". What the system does not grant is left out.
    """
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, niceness)
        Path(f"/proc/{pid}/autogroup").write_text(str(niceness), encoding="ascii")


def shorten(log: Path, limit_bytes: int = LOG_LIMIT_BYTES) -> None:
    """Move a log's text to ``<name>.log.1`` when it is long.

    The file is emptied in place, because a running child keeps it open (in append mode).
    """
    if log.exists() and log.stat().st_size > limit_bytes:
        shutil.copyfile(log, log.with_name(f"{log.name}.1"))
        os.truncate(log, 0)


def describe_exit(code: int) -> str:
    """Say how a process ended."""
    if code >= 0:
        return f"exit code {code}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    hint = ", perhaps for want of memory" if -code == signal.SIGKILL else ""
    return f"killed by {name}{hint}"


def _parent_death_signal() -> Callable[[], None] | None:
    """Return what a child does between fork and exec so that it does not outlive us."""
    if not sys.platform.startswith("linux"):
        return None
    # Loaded before the fork: between fork and exec as little as possible may happen.
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def arm() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
        if os.getppid() != parent:  # it died before the signal was armed
            os._exit(1)

    return arm
