"""What can be asked of the jobs; nothing here writes."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Min
from django.utils import timezone

from jobs.models import JobRecord
from jobs.services import DEAD_AFTER_S

State = JobRecord.State

# After a job that failed, the next one waits so long: what made it fail is seldom gone at once.
_RETRY_AFTER = timedelta(seconds=60)


def may_enqueue(name: str) -> bool:
    """Whether a job of that task may be enqueued: none is there or has only just failed.

    Args:
        name: one of `kernel.task_names`.
    """
    jobs = JobRecord.objects.filter(name=name)
    just_failed = jobs.filter(state=State.FAILED, finished_at__gt=timezone.now() - _RETRY_AFTER)
    is_live = jobs.filter(state__in=(State.QUEUED, State.RUNNING)).exists()
    return not is_live and not just_failed.exists()


def is_worked_on(name: str) -> bool:
    """Whether a worker has a job of that task, and said so not long ago.

    Args:
        name: one of `kernel.task_names`.
    """
    alive = timezone.now() - timedelta(seconds=DEAD_AFTER_S)
    running = JobRecord.objects.filter(name=name, state=State.RUNNING)
    return running.filter(heartbeat_at__gte=alive).exists()


@dataclass(frozen=True, slots=True)
class Backlog:
    """Jobs of one queue that are not done yet.

    Attributes:
        queued: that wait for a worker.
        running: that workers have.
        oldest_s: how long ago the first of those that wait was asked for; 0 where none does.
    """

    queued: int = 0
    running: int = 0
    oldest_s: float = 0.0


def list_backlogs(queues: frozenset[str]) -> dict[str, Backlog]:
    """Return what is to be done in each of these queues, and in any other that has something."""
    now = timezone.now()
    rows = (
        JobRecord.objects.filter(state__in=(State.QUEUED, State.RUNNING))
        .order_by()
        .values_list("queue", "state")
        .annotate(Count("pk"), Min("created_at"))
    )
    found = {(queue, state): (count, oldest) for queue, state, count, oldest in rows}
    backlogs = {}
    for queue in queues | {queue for queue, _ in found}:
        queued, oldest = found.get((queue, State.QUEUED), (0, now))
        running, _ = found.get((queue, State.RUNNING), (0, now))
        backlogs[queue] = Backlog(queued, running, max(0.0, (now - oldest).total_seconds()))
    return backlogs


def count_failures_by_code(*, within: timedelta) -> dict[str, int]:
    """Return how many jobs failed in the time that has just passed, by the error's code."""
    failed = JobRecord.objects.filter(
        state=State.FAILED, finished_at__gte=timezone.now() - within
    ).order_by()
    return dict(failed.values_list("error_code").annotate(Count("pk")))
