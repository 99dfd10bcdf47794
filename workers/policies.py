"""What happens around every task: claim, heartbeat, error translation, and how it ends."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from uuid import UUID

from django.db import connection

from config.logs import log_context
from kernel import database
from kernel.errors import AppError, ConflictError, DefectError, TransientError, UserInputError
from ml import errors as ml_errors
from worker_api import jobs

logger = logging.getLogger(__name__)

# What a failure of the models means to the person who sent the picture.
_TRANSLATION: dict[type[ml_errors.MlError], tuple[type[AppError], str]] = {
    ml_errors.UnsupportedPicture: (UserInputError, "image:user:unsupported-format"),
    ml_errors.NotAPicture: (UserInputError, "image:user:not-a-picture"),
    ml_errors.UndecodableImage: (UserInputError, "image:user:broken"),
    ml_errors.TooManyPixels: (UserInputError, "image:user:too-many-pixels"),
    ml_errors.TooManyFrames: (UserInputError, "image:user:too-many-frames"),
    ml_errors.OutOfDeviceMemory: (TransientError, "encoder:transient:out-of-memory"),
    ml_errors.WeightsUnavailable: (TransientError, "encoder:transient:weights-unavailable"),
    ml_errors.DeviceUnavailable: (DefectError, "encoder:ours:device-unavailable"),
    ml_errors.UnknownEncoder: (DefectError, "encoder:ours:unknown"),
    ml_errors.UnknownDetector: (DefectError, "detector:ours:unknown"),
    ml_errors.CheckpointMismatch: (DefectError, "encoder:ours:checkpoint-mismatch"),
}


def translate(error: ml_errors.MlError) -> AppError:
    """Return our error for one of `ml`."""
    for kind, (target, code) in _TRANSLATION.items():
        if isinstance(error, kind):
            return target(code, detail=str(error))
    return DefectError("encoder:ours:failed", detail=str(error))


@contextmanager
def translated() -> Iterator[None]:
    """Let errors of the models and of a database's health out as AppError only."""
    try:
        with database.translated():
            yield
    except ml_errors.MlError as error:
        raise translate(error) from error


@contextmanager
def running(job_id: UUID) -> Iterator[bool]:
    """Hold a job while its work is done; yields False where there is nothing to do.

    The work inside may end well, or in a TransientError (the job goes back to its queue), or in a
    DefectError (the job fails; its images, which did not cause it, wait for the sweep to hand them
    out anew), or in anything else, a time limit among it (the job is halved, tried again or given
    up: see `catalog.services.give_up_or_split`). Nothing is raised: the row has it all. SQL that
    is away is waited for, before the work and after it; where it stays away, the sweep finds the
    job, queued still or silent.
    """
    if not _claim(job_id):
        yield False
        return
    token = log_context.set({"job_id": str(job_id)})
    try:
        with _heartbeat(job_id), translated():
            yield True
    except TransientError as error:
        logger.warning("job waits", extra={"code": error.code, "context": error.context})
        _record(partial(jobs.give_back, job_id, error_code=error.code))
    except DefectError as error:
        logger.exception("job failed", extra={"code": error.code})
        _record(partial(jobs.fail, job_id, error_code=error.code))
    except Exception:
        logger.exception("job failed")
        _record(partial(jobs.crashed, job_id))
    else:
        _record(partial(jobs.succeed, job_id))
    finally:
        log_context.reset(token)


def _claim(job_id: UUID) -> bool:
    try:
        database.patiently(partial(jobs.claim, job_id), for_s=database.OUTAGE_S)
    except ConflictError:
        logger.info("job is done or taken", extra={"job_id": str(job_id)})
    except TransientError as error:
        extra = {"job_id": str(job_id), "code": error.code}
        logger.warning("job waits for the sweep", extra=extra)
    else:
        return True
    return False


def _record(end: Callable[[], None]) -> None:
    try:
        database.patiently(end, for_s=database.OUTAGE_S)
    except TransientError as error:
        logger.warning("job's end is not recorded", extra={"code": error.code})


@contextmanager
def _heartbeat(job_id: UUID) -> Iterator[None]:
    """Say every few seconds, from a thread, that this worker lives."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(jobs.HEARTBEAT_S):
            try:
                jobs.heartbeat(job_id)
            except Exception:
                logger.exception("heartbeat failed")
                connection.close()  # the next one opens another, and may get through
        connection.close()

    thread = threading.Thread(target=beat, name=f"heartbeat-{job_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
