"""The files in which this machine's processes count, so that one page can show their sums.

It is prometheus_client's multi-process mode, but for the names of the files. Named by process ids,
each restart would leave some behind for ever, and removing them takes from sums that must never
fall. Here a process holds the lowest slot that no living one has, and counts on in its files.
"""

import fcntl
import itertools
import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from prometheus_client import Metric, multiprocess, values

logger = logging.getLogger(__name__)

# Processes that count at a time.
_MAX_SLOTS = 256
# The kinds of files that `metrics.definitions` needs, as prometheus_client names them.
_KINDS = ("counter", "histogram", "gauge_livesum")
# Their disk space is taken before they are mapped into memory: where a full disk cannot give what a
# sparse file promised, the kernel ends the process that writes to it. All of our series need less.
_FILE_BYTES = 512 * 1024


class ProcessFiles:
    """The folder of these files, which belongs to this account alone."""

    def __init__(self, folder: Path) -> None:
        """Make the folder where it is missing; no slot is taken yet.

        Raises:
            OSError: it cannot be made.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._pid = self._slot = self._lock = -1

    def count_here(self) -> None:
        """Have whatever this process and its forks count from now on go to files of their slots.

        Raises:
            OSError: there is no slot, or no room for its files.
        """
        self.slot()
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(self._folder)
        values.ValueClass = values.MultiProcessValue(self.slot)

    def slot(self) -> int:
        """Return this process's slot, which it keeps as long as it lives; a fork takes another.

        Raises:
            OSError: there is no slot, or no room for its files.
        """
        pid = os.getpid()
        if self._pid != pid:
            if self._lock >= 0:
                os.close(self._lock)  # the parent's, who has it open, too, and keeps it
            self._slot, self._lock = self._take()
            self._pid = pid
        return self._slot

    def collect(self) -> Iterable[Metric]:
        """Return the sums of all processes, of those that have ended, too."""
        self._forget_gauges_of_the_dead()
        files = [str(file) for file in self._folder.glob("*.db") if os.access(file, os.R_OK)]
        merged: Iterable[Metric] = multiprocess.MultiProcessCollector.merge(files)
        return merged

    def _take(self) -> tuple[int, int]:
        for slot in range(_MAX_SLOTS):
            lock = self._locked(slot)
            if lock is not None:
                multiprocess.mark_process_dead(slot, str(self._folder))
                self._prepare(slot)
                return slot, lock
        raise OSError(f"{self._folder} has no slot for another process")

    def _locked(self, slot: int) -> int | None:
        """Return the open lock of a slot; None where another process, or account, has it."""
        try:
            lock = os.open(self._folder / f"{slot}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except PermissionError:
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        return lock

    def _prepare(self, slot: int) -> None:
        """Give the files of a slot their room; one that a power cut has damaged begins anew."""
        for kind in _KINDS:
            file = self._folder / f"{kind}_{slot}.db"
            if file.exists():
                try:
                    multiprocess.MultiProcessCollector.merge([str(file)])
                except Exception:  # noqa: BLE001  # the reader has no errors of its own
                    logger.warning("figures were damaged and begin anew", extra={"file": file.name})
                    file.unlink()
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, _FILE_BYTES)
            finally:
                os.close(descriptor)

    def _forget_gauges_of_the_dead(self) -> None:
        """Leave out what was in progress when its process was killed."""
        for slot in self._slots():
            lock = self._locked(slot)
            if lock is not None:
                with suppress(OSError):
                    multiprocess.mark_process_dead(slot, str(self._folder))
                os.close(lock)

    def _slots(self) -> Iterator[int]:
        return itertools.takewhile(
            lambda slot: (self._folder / f"{slot}.lock").exists(), range(_MAX_SLOTS)
        )
