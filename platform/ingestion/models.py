"""What an import is: one bulk ingestion, its counts, and what it could not take in."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from catalog.models import Image


class Import(models.Model):
    """Pictures that came together, from a folder or a form.

    ``running → finished | interrupted``; the counts are of files: found = added + duplicates +
    failed once it is finished, and `touched_at` is when they last moved. `images` are those it
    added or found already stored, so that indexing them can be watched.
    """

    class State(models.TextChoices):
        RUNNING = "running", _("running")
        FINISHED = "finished", _("finished")
        INTERRUPTED = "interrupted", _("interrupted")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    source = models.CharField(_("source"), max_length=1000)
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.RUNNING)
    found = models.PositiveIntegerField(_("files found"), default=0)
    added = models.PositiveIntegerField(_("added"), default=0)
    duplicates = models.PositiveIntegerField(_("already there"), default=0)
    failed = models.PositiveIntegerField(_("refused"), default=0)
    # Kind of file, as `ml.rules.file_types.kind_passed_over` names it → how many.
    passed_over = models.JSONField(_("passed over"), default=dict, blank=True)
    images = models.ManyToManyField(
        Image, related_name="imports", verbose_name=_("images"), editable=False
    )
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("started by"),
    )
    created_at = models.DateTimeField(_("started"), auto_now_add=True)
    touched_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(_("finished"), null=True)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return self.source


class ImportFailure(models.Model):
    """One file that an import refused, and why."""

    of = models.ForeignKey(
        Import, on_delete=models.CASCADE, related_name="failures", verbose_name=_("import")
    )
    name = models.CharField(_("file"), max_length=1000)
    error_code = models.CharField(_("error code"), max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("refused file")
        verbose_name_plural = _("refused files")
        ordering = ("of", "name")

    def __str__(self) -> str:
        return self.name
