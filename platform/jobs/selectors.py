"""What can be asked of jobs; nothing here writes."""

from datetime import timedelta

from django.utils import timezone

from jobs.models import JobRecord
from jobs.services import DEAD_AFTER_S


def is_worked_on(name: str) -> bool:
    """Whether a worker has a job of that task, and said so not long ago.

    Args:
        name: one of `kernel.task_names`.
    """
    alive = timezone.now() - timedelta(seconds=DEAD_AFTER_S)
    running = JobRecord.objects.filter(name=name, state=JobRecord.State.RUNNING)
    return running.filter(heartbeat_at__gte=alive).exists()
