"""What an import is: one bulk ingestion, its counts, and what it could not take in."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from catalog.models import Image
from jobs.models import JobRecord


class Import(models.Model):
    """Pictures that come together: from a form, or from what `ingestion.sources.recognise` takes.

    ``planned → running ⇄ paused → finished | failed | cancelled``; ``interrupted`` is one whose run
    ended too early. A run reads the sources from the first file that is not recorded: `found` files
    are, up to `last_name`. Each has a number, `runs`: what an older one has still to say is void.

    The counts are of files: found = added + duplicates + binned + failed. `touched_at` is when a
    run last said that it lives, `recorded_at` when the counts last moved. `images` are those it
    added or found already stored, so that indexing them can be watched.
    """

    class State(models.TextChoices):
        PLANNED = "planned", _("planned")
        RUNNING = "running", _("running")
        PAUSED = "paused", _("paused")
        FINISHED = "finished", _("finished")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")
        INTERRUPTED = "interrupted", _("interrupted")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    source = models.CharField(_("source"), max_length=1000)
    # Empty where a form's files are taken in while its sender waits: nobody can read them again.
    sources = models.JSONField(default=list, editable=False)
    # Whether its files were sent with a form, and are kept until it ends.
    has_upload = models.BooleanField(default=False, editable=False)
    options = models.JSONField(default=dict, editable=False)
    # Else a command runs it, on a machine that may see other files.
    by_workers = models.BooleanField(_("run by workers"), default=False, editable=False)
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.RUNNING)
    error_code = models.CharField(_("error code"), max_length=100, blank=True)
    error_context = models.JSONField(default=dict, editable=False)
    # As `ingestion.services.plans` makes it.
    plan = models.JSONField(_("plan"), null=True, editable=False)
    total = models.PositiveIntegerField(_("files in all"), null=True)
    found = models.PositiveIntegerField(_("files found"), default=0)
    added = models.PositiveIntegerField(_("added"), default=0)
    duplicates = models.PositiveIntegerField(_("already there"), default=0)
    binned = models.PositiveIntegerField(_("left in the bin"), default=0)
    failed = models.PositiveIntegerField(_("refused"), default=0)
    # Kind of file, as `ml.rules.file_types.kind_passed_over` names it → how many.
    passed_over = models.JSONField(_("passed over"), default=dict, blank=True)
    last_name = models.CharField(max_length=1000, blank=True, editable=False)
    # Whether the sources were read to their end: what runs then tries failures again.
    is_read = models.BooleanField(default=False, editable=False)
    # Files a second, of the last minute or so.
    rate = models.FloatField(null=True, editable=False)
    # Whether it waits for pictures to be indexed before it reads more.
    is_waiting = models.BooleanField(default=False, editable=False)
    runs = models.PositiveIntegerField(default=0, editable=False)
    # Runs in a row that recorded nothing.
    tries = models.PositiveSmallIntegerField(default=0, editable=False)
    # Whether a run may have died: some files are taken in one by one, to find which one does it.
    is_careful = models.BooleanField(default=False, editable=False)
    # The file that is taken in alone just now, and runs that died at it so far, this one included.
    suspect = models.CharField(max_length=1000, blank=True, editable=False)
    deaths = models.PositiveSmallIntegerField(default=0, editable=False)
    job = models.ForeignKey(
        JobRecord,
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("job"),
    )
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
    # Whether an account started it, which may be gone by now (ADR 46); else it is the system's.
    by_account = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(_("started"), auto_now_add=True)
    touched_at = models.DateTimeField(auto_now_add=True)
    recorded_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(_("finished"), null=True)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ("-created_at",)
        constraints = (
            models.CheckConstraint(
                condition=Q(by_account=True) | Q(started_by__isnull=True),
                name="import_by_account",
            ),
        )

    def __str__(self) -> str:
        # A source may be taken in every day.
        return f"{self.source} · {timezone.localtime(self.created_at):%Y-%m-%d %H:%M}"


class WatchedFolder(models.Model):
    """A folder below INGEST_ROOTS whose new and changed pictures are taken in, where they lie.

    Each look at it has a number, `looks`: what an older one found is void. `known` is what its
    files were when an import was given them, as `ingestion.sources.fingerprints` has it: 16 bytes a
    file, and never fewer, so that a disk that was away costs no reading once it is back.
    """

    path = models.CharField(_("folder"), max_length=500, unique=True)
    options = models.JSONField(default=dict, editable=False)
    is_paused = models.BooleanField(_("paused"), default=False, editable=False)
    known = models.BinaryField(default=bytes)
    looks = models.PositiveIntegerField(default=0, editable=False)
    # Since when, or when last, a look that is under way said that it lives; null between looks.
    looking_at = models.DateTimeField(null=True, editable=False)
    looked_at = models.DateTimeField(_("looked at"), null=True, editable=False)
    next_look_at = models.DateTimeField(default=timezone.now, editable=False)
    # Of the latest look: why it could not be read, and what was passed over, as in `Import`.
    error_code = models.CharField(_("error code"), max_length=100, blank=True, editable=False)
    error_context = models.JSONField(default=dict, editable=False)
    passed_over = models.JSONField(_("passed over"), default=dict, editable=False)
    last_import = models.ForeignKey(
        Import,
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("import"),
    )
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("added by"),
    )
    # As `Import.by_account`, of the imports that it begins.
    by_account = models.BooleanField(default=False, editable=False)

    class Meta:
        verbose_name = _("watched folder")
        verbose_name_plural = _("watched folders")
        # Who may add imports may all with these, too.
        default_permissions = ()
        ordering = ("path",)
        constraints = (
            models.CheckConstraint(
                condition=Q(by_account=True) | Q(added_by__isnull=True),
                name="watched_folder_by_account",
            ),
        )

    def __str__(self) -> str:
        return self.path

    @property
    def waits_for_import(self) -> bool:
        """Whether the latest import has not ended: there is no look until then."""
        ended = {Import.State.FINISHED, Import.State.CANCELLED}
        return self.last_import is not None and self.last_import.state not in ended


class ListedFiles(models.Model):
    """The files of an import that a look at a watched folder began: it takes in no others.

    Kept with it, since what it refused may be tried again.
    """

    of = models.OneToOneField(
        Import, primary_key=True, on_delete=models.CASCADE, related_name="listed_files"
    )
    # As `ingestion.sources.fingerprints.PathSet` has it: 8 bytes a file.
    paths = models.BinaryField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{len(self.paths) // 8} files of {self.of_id}"


class ImportFailure(models.Model):
    """One file that an import refused, and why."""

    of = models.ForeignKey(
        Import, on_delete=models.CASCADE, related_name="failures", verbose_name=_("import")
    )
    name = models.CharField(_("file"), max_length=1000)
    error_code = models.CharField(_("error code"), max_length=100)
    # What the sentence of the code names; null in rows of an earlier release.
    context = models.JSONField(null=True, editable=False)
    retry_at = models.DateTimeField(_("waits to be tried again since"), null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("refused file")
        verbose_name_plural = _("refused files")
        ordering = ("of", "name")
        indexes = (
            models.Index(
                fields=("of", "id"),
                name="import_failure_retry",
                condition=Q(retry_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return self.name
