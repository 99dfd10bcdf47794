"""What was done: entries, and for a change of many images which of them had which value before."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class AuditEntry(models.Model):
    """One thing that somebody did. Written once: nothing changes an entry, and only age removes it.

    Who did it and to what are kept as they were called then, without foreign keys: they outlive
    accounts and images. ``actor_id`` is None of what the system did by itself, and of a log-in that
    failed, whose ``actor_name`` is what was typed. ``token_name`` is of the API token that the
    account's program came with; "" of its person. ``object_type`` is as ``catalog.image``.
    ``details`` is ``{field: [old, new]}`` of an edit, and what `audit_log.services` says of others.
    """

    class Action(models.TextChoices):
        ADDED = "added", _("added")
        CHANGED = "changed", _("changed")
        DELETED = "deleted", _("deleted")
        BINNED = "binned", _("moved to the bin")
        RESTORED = "restored", _("restored")
        PURGED = "purged", _("deleted for good")
        DOWNLOADED = "downloaded", _("original downloaded")
        STARTED = "started", _("started")
        ENDED = "ended", _("ended")
        LOGGED_IN = "logged_in", _("logged in")
        LOGGED_OUT = "logged_out", _("logged out")
        LOGIN_FAILED = "login_failed", _("failed to log in")

    at = models.DateTimeField(_("when"), auto_now_add=True)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(_("who"), max_length=150, blank=True)
    token_name = models.CharField(_("API token"), max_length=100, blank=True)
    action = models.CharField(_("what"), max_length=20, choices=Action)
    object_type = models.CharField(_("kind"), max_length=100, blank=True)
    object_id = models.CharField(_("id"), max_length=36, blank=True)
    object_name = models.CharField(_("of what"), max_length=300, blank=True)
    details = models.JSONField(_("details"), default=dict)

    class Meta:
        verbose_name = _("entry of the audit log")
        verbose_name_plural = _("audit log")
        default_permissions = ("view",)
        ordering = ("-at", "-id")
        # Whatever the list is narrowed down by, it is read in its order and not sorted.
        indexes = (
            models.Index(fields=("at", "id"), name="audit_at"),
            models.Index(fields=("actor_name", "at", "id"), name="audit_actor"),
            models.Index(fields=("action", "at", "id"), name="audit_action"),
            models.Index(fields=("object_type", "at", "id"), name="audit_type"),
            models.Index(fields=("object_id", "at", "id"), name="audit_object"),
        )

    def __str__(self) -> str:
        return f"{self.actor_name} · {self.get_action_display()}"


class AuditedImages(models.Model):
    """Some images of an entry that is about many: old value → hex ids of those that had it.

    Images that have the same value share it; those that a change left as they were are in none.
    """

    entry = models.ForeignKey(AuditEntry, on_delete=models.CASCADE, related_name="images")
    image_ids = models.JSONField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{sum(map(len, self.image_ids.values()))} of {self.entry_id}"
