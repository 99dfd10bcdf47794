"""Asking a process again and again whether it is well, without waiting for it."""

import threading
import time

from deploy.local.health import Probe, Unhealthy

# While it starts, the next question follows at once.
_STARTING_S = 0.05


class ProbeWatch:
    """Asks a probe in a thread of its own, since what hangs may hold its caller up."""

    def __init__(self, probe: Probe, *, every_s: float, name: str) -> None:
        """Begin to ask.

        Args:
            probe: asked until `end`, or until it says that all is lost.
            every_s: how long after each answer, once it was well.
            name: of what is watched, for the thread.
        """
        self._probe = probe
        self._every_s = every_s
        self._ended = threading.Event()
        self._was_well = False
        self._verdict: str | None = None
        self._failing_since: float | None = None
        self._last_error = ""
        threading.Thread(target=self._ask, name=f"watch {name}", daemon=True).start()

    @property
    def was_well(self) -> bool:
        """Whether it was well at least once."""
        return self._was_well

    @property
    def verdict(self) -> str | None:
        """Why it will never be well; None as long as it may."""
        return self._verdict

    @property
    def last_error(self) -> str:
        """What the latest question that failed ended in, in brackets, or nothing."""
        return self._last_error

    def failing_s(self) -> float:
        """Return for how long it has not been well, in seconds; 0 while it is."""
        since = self._failing_since
        return 0.0 if since is None else time.monotonic() - since

    def end(self) -> None:
        """Ask no more; a question that is being asked is not waited for."""
        self._ended.set()

    def _ask(self) -> None:
        while not self._ended.wait(self._every_s if self._was_well else _STARTING_S):
            try:
                answer = self._probe()
            except Unhealthy as reason:
                self._verdict = str(reason)
                return
            # A question may fail in any way; whoever asks goes on.
            except Exception as error:  # noqa: BLE001
                self._last_error = f" ({type(error).__name__}: {error})"
                answer = False
            if answer is False:
                # Not when it was asked: this process may have been stopped itself meanwhile.
                self._failing_since = self._failing_since or time.monotonic()
                continue
            self._failing_since = None
            self._was_well = self._was_well or answer is True
