"""What a job is: the row that outlives its message in the broker."""

import uuid
from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Delivery:
    """A job in a worker's hands: that one's alone, until it ends the job or falls silent.

    Attributes:
        job_id: which job.
        number: 1, 2, …: no two workers have the same.
    """

    job_id: uuid.UUID
    number: int


class JobRecord(models.Model):
    """One piece of background work.

    ``queued → running → succeeded | failed | split``; a transient failure, or a worker that died,
    takes it back to ``queued``. The row is the truth: a message that the broker lost is sent again
    by the sweeper, and a message that arrives twice finds the row done. ``split`` means that two
    smaller jobs took its place.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        SUCCEEDED = "succeeded", _("succeeded")
        FAILED = "failed", _("failed")
        SPLIT = "split", _("split")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("task"), max_length=100)
    queue = models.CharField(_("queue"), max_length=30)
    arguments = models.JSONField(_("arguments"), default=dict)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.QUEUED)
    # So often was it claimed, and of these so often given back, since a part was away.
    deliveries = models.PositiveIntegerField(_("deliveries"), default=0)
    given_back = models.PositiveIntegerField(_("given back"), default=0)
    error_code = models.CharField(_("error code"), max_length=100, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    sent_at = models.DateTimeField(_("sent"), null=True)
    started_at = models.DateTimeField(_("started"), null=True)
    heartbeat_at = models.DateTimeField(_("heartbeat"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering = ("-created_at",)
        indexes = (models.Index(fields=("state", "queue", "sent_at"), name="job_state_queue_sent"),)

    def __str__(self) -> str:
        return f"{self.name} {self.id}"

    @property
    def delivery(self) -> Delivery:
        """The latest one."""
        return Delivery(self.pk, self.deliveries)

    @property
    def tries(self) -> int:
        """Deliveries that count: what was given back had done nothing wrong."""
        return self.deliveries - self.given_back
