"""What happens around every task: claim, heartbeat, error translation, and how it ends."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from uuid import UUID

from django.db import connection

from config.logs import log_fields
from kernel import database
from kernel.errors import AppError, ConflictError, DefectError, TransientError, UserInputError
from metrics.definitions import JOBS_ENDED
from ml import errors as ml_errors
from worker_api import jobs
from worker_api.jobs import Delivery

logger = logging.getLogger(__name__)

# What a failure of the models means to the person who sent the picture.
_TRANSLATION: dict[type[ml_errors.MlError], tuple[type[AppError], str]] = {
    ml_errors.UnsupportedPicture: (UserInputError, "image:user:unsupported-format"),
    ml_errors.NotAPicture: (UserInputError, "image:user:not-a-picture"),
    ml_errors.UndecodableImage: (UserInputError, "image:user:broken"),
    ml_errors.TooManyPixels: (UserInputError, "image:user:too-many-pixels"),
    ml_errors.TooManyFrames: (UserInputError, "image:user:too-many-frames"),
    ml_errors.EncoderKnowsNoWords: (UserInputError, "search:user:no-words"),
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
def running(job_id: UUID) -> Iterator[Delivery | None]:
    """Hold a job while its work is done; yields None where there is nothing to do.

    The work inside may end well, or in a TransientError (the job goes back to its queue), or in a
    DefectError (the job fails; its images, which did not cause it, wait for the sweep to hand them
    out anew), or in anything else, a time limit among it (the job is halved, tried again or given
    up: see `catalog.services.give_up_or_split`). Nothing is raised: the row has it all. Where the
    job was taken over meanwhile, none of this happens. SQL that is away is waited for, before the
    work and after it; where it stays away, the sweep finds the job, queued still or silent.
    """
    delivery = _claim(job_id)
    if delivery is None:
        yield None
        return
    with log_fields(job_id=str(job_id)):
        try:
            with _heartbeat(delivery), translated():
                yield delivery
        except jobs.JobTakenOver:
            logger.warning("job was taken over", extra={"delivery": delivery.number})
            JOBS_ENDED.labels("taken over", "").inc()
        except TransientError as error:
            logger.warning("job waits", extra={"code": error.code, "context": error.context})
            _record(delivery, partial(jobs.give_back, delivery, error_code=error.code))
            JOBS_ENDED.labels("waits", error.code).inc()
        except DefectError as error:
            logger.exception("job failed", extra={"code": error.code})
            _record(delivery, partial(jobs.fail, delivery, error_code=error.code))
            JOBS_ENDED.labels("failed", error.code).inc()
        except Exception:
            logger.exception("job failed")
            _record(delivery, partial(jobs.crashed, delivery))
            JOBS_ENDED.labels("crashed", "").inc()
        else:
            _record(delivery, partial(jobs.succeed, delivery))
            JOBS_ENDED.labels("succeeded", "").inc()


def _claim(job_id: UUID) -> Delivery | None:
    try:
        return database.patiently(partial(jobs.claim, job_id))
    except ConflictError:
        logger.info("job is done or taken", extra={"job_id": str(job_id)})
    except TransientError as error:
        extra = {"job_id": str(job_id), "code": error.code}
        logger.warning("job waits for the sweep", extra=extra)
    return None


def _record(delivery: Delivery, end: Callable[[], bool]) -> None:
    try:
        is_ours = database.patiently(end)
    except TransientError as error:
        logger.warning("job's end is not recorded", extra={"code": error.code})
        return
    if not is_ours:
        logger.warning("job was taken over", extra={"delivery": delivery.number})


@contextmanager
def _heartbeat(delivery: Delivery) -> Iterator[None]:
    """Say every few seconds, from a thread, that this worker lives, until its job is taken over."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(jobs.HEARTBEAT_S):
            try:
                if not jobs.heartbeat(delivery):
                    break
            except Exception:
                logger.exception("heartbeat failed")
                connection.close()  # the next one opens another, and may get through
        connection.close()

    thread = threading.Thread(target=beat, name=f"heartbeat-{delivery.job_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
