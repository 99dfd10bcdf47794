"""What a job is: the row that outlives its message in the broker."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _


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
    deliveries = models.PositiveSmallIntegerField(_("deliveries"), default=0)
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
