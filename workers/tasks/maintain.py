"""Tasks that beat starts: mend what died, forget what is old."""

import logging
from dataclasses import asdict

from kernel import task_names
from kernel.errors import TransientError
from workers.app import app

logger = logging.getLogger(__name__)


@app.task(name=task_names.SWEEP, shared=False)
def sweep(**_unknown: object) -> None:
    """Send lost work again; says so in the log when there was any, or when SQL is away."""
    from kernel.database import translated
    from worker_api import jobs

    try:
        with translated():
            swept = asdict(jobs.sweep())
    except TransientError as error:  # the next one comes soon
        logger.warning("sweep waits", extra={"code": error.code})
        return
    if any(swept.values()):
        logger.warning("swept", extra=swept)


@app.task(name=task_names.EXPIRE_QUERIES, shared=False)
def expire_queries(**_unknown: object) -> None:
    """Remove query pictures whose hour is over."""
    from worker_api import queries

    queries.expire_queries()
