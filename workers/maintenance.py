"""What is done again and again: `python -m workers.maintenance`.

In a process of its own, so that it waits behind no chunk of pictures, and without models. A second
one, on another machine, does no harm: a sweep locks what it mends.
"""

from workers.bootstrap import start_django

start_django()

import logging
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict

from django.conf import settings
from django.db import close_old_connections

from kernel.database import translated
from kernel.errors import TransientError
from worker_api import decisions, exports, images, imports, jobs, queries, watches
from worker_api.expiry import expire_rows

logger = logging.getLogger(__name__)

# The file that says that this process lives is touched so often, unless a round takes too long.
_SIGN_EVERY_S = 1.0
_LONGEST_ROUND_S = 600.0


def sweep() -> None:
    """Send lost work again; says so in the log when there was any."""
    swept = asdict(jobs.sweep())
    if any(swept.values()):
        logger.warning("swept", extra=swept)


class Duty:
    """Work that is done again and again, whatever becomes of it."""

    def __init__(
        self,
        work: Callable[[], object],
        *,
        every_s: float,
        longest_s: float | None = _LONGEST_ROUND_S,
    ) -> None:
        """Begin nothing yet.

        Args:
            work: one round.
            every_s: from the end of a round to the next.
            longest_s: how long a round may take; None is however long.
        """
        self._work = work
        self._every_s = every_s
        self._longest_s = longest_s
        self._begun: float | None = None

    def repeat(self, ended: threading.Event) -> None:
        """Do it until it is to end; a round that has begun is finished."""
        while not ended.wait(self._every_s):
            self.do_once()

    def do_once(self) -> None:
        """Do one round; what it fails of is logged."""
        self._begun = time.monotonic()
        try:
            close_old_connections()  # and broken ones: the round opens another
            with translated():
                self._work()
        except TransientError as error:  # the next round comes soon
            logger.warning("maintenance waits", extra={"code": error.code})
        except Exception:
            logger.exception("maintenance failed")
        self._begun = None

    def hangs(self) -> bool:
        """Whether a round takes too long."""
        begun, longest_s = self._begun, self._longest_s
        if begun is None or longest_s is None:
            return False
        return time.monotonic() - begun > longest_s


def run(duties: Sequence[Duty], ended: threading.Event) -> None:
    """Do all duties side by side, and say that they go on, until `ended` is set."""
    sign = settings.DATA_DIR / "run" / "maintenance"
    sign.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    threads = [threading.Thread(target=duty.repeat, args=(ended,), daemon=True) for duty in duties]
    for thread in threads:
        thread.start()
    while True:
        if not any(duty.hangs() for duty in duties):
            sign.touch()
        if ended.wait(_SIGN_EVERY_S):
            break
    for thread in threads:
        thread.join()


def main() -> None:
    """Do what is to be done until this process is told to end."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    expiring = (
        *(queries.expire_queries, exports.expire_exports),
        *(images.expire_unfinished_files, decisions.delete_unnamed_query_pictures),
        expire_rows,
    )
    # A disk that is slow or away is no reason to start this process again.
    watch = Duty(imports.FolderWatch(ended.is_set).look, every_s=5.0, longest_s=None)
    # People's mail servers and webhooks may take their time.
    telling = Duty(watches.tell, every_s=10.0, longest_s=None)
    duties = [Duty(sweep, every_s=10.0), watch, telling]
    run([*duties, *(Duty(each, every_s=600.0) for each in expiring)], ended)


if __name__ == "__main__":
    main()
