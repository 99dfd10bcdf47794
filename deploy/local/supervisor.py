"""Starts processes in order, restarts what dies, and ends them so that none is left behind.

One thread owns all children: it alone starts, watches and ends them. Other threads ask, by setting
a flag that it looks at ten times a second.
"""

import itertools
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local.children import (
    Child,
    Process,
    State,
    Surroundings,
    describe_exit,
    shorten,
)
from deploy.local.errors import CannotStart
from deploy.local.guard import Guard

_TICK_STARTING_S = 0.05
_TICK_S = 0.2
_TICK_ENDING_S = 0.02
_LOOK_AFTER_S = 30.0
# A child that takes longer than this to end is worth a word; an idle Celery worker takes 2 s.
_QUIET_END_S = 4.0
# Each of the first deaths in a row is told; then one more line says that it goes on.
_TOLD_DEATHS = 3


@dataclass(frozen=True, slots=True)
class Restarts:
    """How soon a dead process is started again, and when a start is given up.

    Attributes:
        first_delay_s, longest_delay_s: the wait doubles from the first to the longest.
        reset_after_s: a process up for this long has its deaths forgiven.
        deaths_at_start: so many deaths in a row before all is ready end the start.
    """

    first_delay_s: float = 1.0
    longest_delay_s: float = 30.0
    reset_after_s: float = 60.0
    deaths_at_start: int = 3

    def delay_s(self, deaths: int) -> float:
        """Return the wait after the ``deaths``-th death in a row (1, 2, …), in seconds."""
        doublings = min(deaths - 1, 30)  # beyond that any limit is long passed
        return min(self.first_delay_s * 2.0**doublings, self.longest_delay_s)


class Supervisor:
    """Runs a set of processes. It knows nothing of what they do.

    Use it as a context manager, or call `start` and `stop`. A supervisor runs once.
    """

    def __init__(
        self,
        processes: Sequence[Process],
        *,
        log_folder: Path,
        cwd: Path,
        environ: Mapping[str, str] | None = None,
        say: Callable[[str], None] = lambda sentence: None,
        restarts: Restarts | None = None,
        look_after: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            processes: in the order of starting; the reverse is the order of stopping, in which
                neighbours with the same needs end side by side.
            log_folder: receives ``<name>.log`` for each process; made where missing.
            cwd: working directory of all of them.
            environ: their whole environment; None takes this process's.
            say: told each step and each problem, one sentence at a time, from the owning thread.
            restarts: how soon and how often.
            look_after: called every half minute.
        """
        surroundings = Surroundings(
            log_folder, cwd, dict(os.environ if environ is None else environ)
        )
        self._children = {process.name: Child(process, surroundings) for process in processes}
        self._log_folder = log_folder
        self._say = say
        self._restarts = Restarts() if restarts is None else restarts
        self._look_after = look_after
        self._looked_after = time.monotonic()
        self._stop_asked = False
        self._kill_asked = False
        self._failure: str | None = None
        self._ready = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)
        self._guard = Guard()

    def __enter__(self) -> "Supervisor":
        """Start all and wait until they are up."""
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop all."""
        self.stop()

    @property
    def is_ready(self) -> bool:
        """Whether everything has been up once."""
        return self._ready.is_set()

    @property
    def is_stopping(self) -> bool:
        """Whether it was asked to stop, or had to: everything is ending or gone."""
        return self._stop_asked or self._failure is not None or self._ended.is_set()

    @property
    def failure(self) -> str | None:
        """Why it had to stop; None where it was asked to, or goes on."""
        return self._failure

    def process(self, name: str) -> Child:
        """Return one child, to read its `pid`, `state` or `starts`."""
        return self._children[name]

    def start(self) -> None:
        """Start all in order; return when everything is up, or everything has ended on request.

        Raises:
            CannotStart: a process could not be brought up; all others have been ended.
        """
        self._log_folder.mkdir(parents=True, exist_ok=True)
        self._thread.start()
        while not self._ready.wait(_TICK_S):
            if self._ended.is_set():
                break
        if self._failure is not None:
            self._ended.wait()
            raise CannotStart(self._failure)

    def ask_to_stop(self) -> None:
        """Begin to stop, without waiting; a second call kills. Safe in a signal handler."""
        if self._stop_asked:
            self._kill_asked = True
        self._stop_asked = True

    def stop(self) -> None:
        """Let all finish their work, last started first, and return when none is left."""
        self._stop_asked = True
        if self._thread.ident is not None:
            self._thread.join()

    # --- the owning thread ---

    def _run(self) -> None:
        try:
            while not self._stop_asked and self._failure is None:
                for child in self._children.values():
                    self._advance(child)
                self._note_ready()
                self._every_half_minute()
                time.sleep(_TICK_S if self.is_ready else _TICK_STARTING_S)
        # Whatever it is: all have to be ended, and nobody may take this for an end on request.
        except Exception as error:  # noqa: BLE001
            self._failure = f"The supervisor failed: {type(error).__name__}: {error}."
        finally:
            if self._failure is None:
                self._say("stopping: work that has begun is finished first")
            self._end_all()
            self._guard.close()
            self._ended.set()

    def _note_ready(self) -> None:
        settled = {State.UP, State.DONE}
        if not self.is_ready and all(c.state in settled for c in self._children.values()):
            self._ready.set()

    def _every_half_minute(self) -> None:
        if time.monotonic() - self._looked_after < _LOOK_AFTER_S:
            return
        self._looked_after = time.monotonic()
        for child in self._children.values():
            shorten(child.log)
        self._look_after()

    def _advance(self, child: Child) -> None:
        if child.state is State.WAITING:
            if time.monotonic() >= child.not_before and self._has_what_it_needs(child):
                self._start(child)
        elif child.is_running:
            code = child.exit_code()
            if code is not None:
                self._bury(child, code)
                return
            if child.state is State.UP and child.age_s > self._restarts.reset_after_s:
                child.deaths = 0
            self._look_at(child)

    def _has_what_it_needs(self, child: Child) -> bool:
        needed = (self._children[name].state for name in child.process.needs)
        return all(state in {State.UP, State.DONE} for state in needed)

    def _start(self, child: Child) -> None:
        try:
            child.start()
        except OSError as error:
            self._mourn(child, f"cannot be started: {error}")
        else:
            self._guard.add(child.pid)

    def _look_at(self, child: Child) -> None:
        watch, is_up = child.watch, child.state is State.UP
        if watch is not None and watch.verdict is not None:
            self._give_up_on(child, watch.verdict)
        elif watch is not None and watch.was_well and not is_up:
            child.enter(State.UP)
            self._say(f"{child.process.name} is {'up' if child.starts == 1 else 'up again'}")
        elif watch is not None and is_up:
            if watch.failing_s() > child.process.hang_timeout_s:
                limit = f"{child.process.hang_timeout_s:g} s"
                self._give_up_on(child, f"has not answered for {limit}{watch.last_error}")
        elif child.age_s > child.process.start_timeout_s:
            limit = f"{child.process.start_timeout_s:g} s"
            word = "finish" if child.process.runs_once else "answer"
            error = "" if watch is None else watch.last_error
            self._give_up_on(child, f"did not {word} within {limit}{error}")

    def _give_up_on(self, child: Child, reason: str) -> None:
        """End a child that lives but does not work; at the first start that is the end of all."""
        self._end_group(child)
        if self.is_ready:
            self._mourn(child, reason)
        else:
            self._fail(child, reason)

    def _bury(self, child: Child, code: int) -> None:
        self._end_group(child)
        if not child.process.runs_once:
            self._mourn(child, f"ended ({describe_exit(code)})")
        elif code == 0:
            child.enter(State.DONE)
            self._say(f"{child.process.name} is done")
        else:
            self._fail(child, f"failed ({describe_exit(code)})")

    def _end_group(self, child: Child) -> None:
        """Leave nothing of a child, so that its next start finds its port and files free."""
        child.kill_group()
        self._guard.remove(child.pid)

    def _mourn(self, child: Child, what: str) -> None:
        """Count a death and arrange the next start, or give up."""
        lived_long = child.state is State.UP and child.age_s > self._restarts.reset_after_s
        child.deaths = 1 if lived_long else child.deaths + 1
        if not self.is_ready and child.deaths >= self._restarts.deaths_at_start:
            times = f", {child.deaths} times in a row" if child.deaths > 1 else ""
            self._fail(child, f"{what}{times}")
            return
        delay_s = self._restarts.delay_s(child.deaths)
        child.not_before = time.monotonic() + delay_s
        child.enter(State.WAITING)
        name = child.process.name
        if child.deaths <= _TOLD_DEATHS:
            self._say(f"{name} {what}; starting it again in {delay_s:g} s. Its log: {child.log}")
        elif child.deaths == _TOLD_DEATHS + 1:
            self._say(f"{name} keeps ending; trying on without a word. Its log: {child.log}")

    def _fail(self, child: Child, what: str) -> None:
        child.enter(State.ENDED)
        tail = child.tail()
        ending = f" Its last lines in {child.log}:\n{tail}" if tail else f" See {child.log}."
        self._failure = f"The process {child.process.name} {what}.{ending}"

    def _end_all(self) -> None:
        """End all, last started first; neighbours that need the same end side by side."""
        backwards = reversed(self._children.values())
        for _, peers in itertools.groupby(backwards, key=lambda child: child.process.needs):
            self._end_together(list(peers))

    def _end_together(self, peers: Sequence[Child]) -> None:
        """Ask each to end, wait as long as each may take, then kill what is left of it."""
        for child in peers:
            if child.is_running:
                child.signal(child.process.stop_signal)
        begun = time.monotonic()
        told: set[str] = set()
        while left := [child for child in peers if child.is_running]:
            for child in left:
                self._watch_end(child, waited_s=time.monotonic() - begun, told=told)
            time.sleep(_TICK_ENDING_S)
        for child in peers:
            child.enter(State.ENDED)

    def _watch_end(self, child: Child, *, waited_s: float, told: set[str]) -> None:
        name, limit_s = child.process.name, child.process.stop_timeout_s
        is_late = waited_s > limit_s
        if child.exit_code() is not None or self._kill_asked or is_late:
            if child.exit_code() is None and is_late:
                self._say(f"{name} was killed: it did not end in time")
            self._end_group(child)
            child.enter(State.ENDED)
        elif waited_s > _QUIET_END_S and name not in told:
            told.add(name)
            self._say(
                f"{name} is finishing its work (at most {limit_s:g} s); Ctrl-C again ends it now"
            )
