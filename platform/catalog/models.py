"""What the catalogue holds: images, their regions, and the encoder that they are indexed with."""

import uuid

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from catalog.addresses import image_address
from jobs.models import JobRecord
from kernel.regions import MAX_LABEL_CHARS, RegionKey, region_key
from ml.rules import regions


def max_chars(model: type[models.Model], field: str) -> int | None:
    """Return how many characters a column holds; None of one without a limit."""
    return getattr(model._meta.get_field(field), "max_length", None)


class Tag(models.Model):
    """A word that users filter by."""

    name = models.CharField(_("name"), max_length=100, unique=True)

    class Meta:
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Album(models.Model):
    """A named set of images; an image may be in several.

    With groups it is private: its images are for members of one of them, and for superusers. An
    image in several private albums is for who sees all of these (`catalog.visibility`, ADR 26).
    """

    name = models.CharField(_("name"), max_length=200, unique=True)
    groups = models.ManyToManyField(
        Group, through="AlbumGroup", blank=True, related_name="albums", verbose_name=_("private to")
    )

    class Meta:
        verbose_name = _("album")
        verbose_name_plural = _("albums")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class AlbumGroup(models.Model):
    """A group that an album is private to; it cannot be deleted, which would open the album."""

    album = models.ForeignKey(Album, on_delete=models.CASCADE)
    group = models.ForeignKey(Group, on_delete=models.PROTECT)

    class Meta:
        verbose_name = _("private album")
        verbose_name_plural = _("private albums")
        constraints = (
            models.UniqueConstraint(fields=("album", "group"), name="album_group_unique"),
        )

    def __str__(self) -> str:
        return str(self.album_id)  # its name is not for everybody


class Image(models.Model):
    """One original file, known by its content.

    ``queued → indexed | failed``; ``deleting`` hides it until its points, row and files are gone.
    Width and height are those of the upright picture. In the bin it keeps all it has, so that it
    can be restored, and nobody but keepers sees it (ADR 24). Held, it is neither found nor shown
    until it is known to be no copy, or a reviewer has decided (ADR 30).

    The `services.CARRIED_FIELDS`, tags, albums and whether it is in the bin or held are carried by
    the points, for filters: who changes one of them calls `services.request_payload_update` in the
    same transaction.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        INDEXED = "indexed", _("indexed")
        FAILED = "failed", _("failed")
        DELETING = "deleting", _("being deleted")

    class Medium(models.TextChoices):
        """How a picture was made; the values are those of `ml.rules.media.Medium`.

        A drawing may be a cartoon, a sketch, or drawn in another way.
        """

        UNKNOWN = "unknown", _("unknown")
        PHOTO = "photo", _("photo")
        PAINTING = "painting", _("painting")
        DRAWING = "drawing", _("drawing")
        CARTOON = "cartoon", _("cartoon")
        SKETCH = "sketch", _("sketch")
        RENDER = "render", _("render")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    sha256 = models.CharField(_("SHA-256"), max_length=64, unique=True, editable=False)
    format = models.CharField(_("format"), max_length=10, editable=False)
    width = models.PositiveIntegerField(_("width"), editable=False)
    height = models.PositiveIntegerField(_("height"), editable=False)
    file_bytes = models.PositiveBigIntegerField(_("file size"), editable=False)
    # Some of the picture is missing, little enough that it is shown.
    is_damaged = models.BooleanField(_("damaged"), default=False, editable=False)
    title = models.CharField(_("title"), max_length=300, blank=True)
    description = models.TextField(_("description"), blank=True)
    source = models.CharField(_("source"), max_length=1000, blank=True)
    # Relative to its source, "/" between folders.
    path = models.CharField(_("path"), max_length=1000, blank=True, editable=False)
    external_id = models.CharField(_("external id"), max_length=200, blank=True, db_index=True)
    owner = models.CharField(_("owner"), max_length=200, blank=True)
    licence = models.CharField(_("licence"), max_length=200, blank=True)
    rights = models.CharField(_("rights"), max_length=1000, blank=True)
    creator = models.CharField(_("creator"), max_length=1000, blank=True)
    credit = models.CharField(_("credit"), max_length=1000, blank=True)
    usage_terms = models.CharField(_("usage terms"), max_length=1000, blank=True)
    licensor = models.CharField(_("licensor"), max_length=1000, blank=True)
    # ISO 8601, as a clock showed it there: with a zone only where the picture names one.
    taken_at = models.CharField(_("taken"), max_length=32, blank=True, db_index=True)
    medium = models.CharField(_("medium"), max_length=10, choices=Medium, default=Medium.UNKNOWN)
    # When a worker told it from the picture; None where a person said it, or nobody did.
    medium_suggested_at = models.DateTimeField(_("medium suggested"), null=True, editable=False)
    tags = models.ManyToManyField(Tag, blank=True, related_name="images", verbose_name=_("tags"))
    albums = models.ManyToManyField(
        Album, blank=True, related_name="images", verbose_name=_("albums")
    )
    status = models.CharField(
        _("status"), max_length=10, choices=Status, default=Status.QUEUED, editable=False
    )
    error_code = models.CharField(_("error code"), max_length=100, blank=True, editable=False)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0, editable=False)
    job = models.ForeignKey(
        JobRecord,
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("job"),
    )
    # Boxes [x0, y0, x1, y1] of panels that a person drew, [] of no collage; null: workers find it.
    drawn_panels = models.JSONField(null=True, editable=False)
    created_at = models.DateTimeField(_("added"), auto_now_add=True)
    queued_at = models.DateTimeField(_("queued"), auto_now_add=True)
    indexed_at = models.DateTimeField(_("indexed"), null=True, editable=False)
    # Since when it is in the bin, if it is, and who put it there.
    binned_at = models.DateTimeField(_("moved to the bin"), null=True, editable=False)
    binned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("moved by"),
    )
    # Since when it is held, if it is; what for is in its `CopyCheck`.
    held_at = models.DateTimeField(_("held"), null=True, editable=False)
    # How often what its points carry of it has changed, and since when they wait for that.
    payload_changes = models.PositiveIntegerField(default=0, editable=False)
    payload_due_at = models.DateTimeField(null=True, editable=False)
    # None while its points are those of an earlier release, and lack facts of the picture.
    PAYLOAD_FORMAT = 1
    payload_format = models.PositiveSmallIntegerField(null=True, editable=False)

    class Meta:
        verbose_name = _("image")
        verbose_name_plural = _("images")
        permissions = (
            ("purge_image", "Can delete images in the bin for good"),
            ("export_image", "Can export image"),
            ("review_image", "Can decide about images held for review"),
        )
        ordering = ("-created_at", "id")
        indexes = (
            models.Index(fields=("-created_at", "id"), name="image_newest_first"),
            models.Index(fields=("status", "queued_at"), name="image_status_queued"),
            models.Index(fields=("indexed_at",), name="image_indexed_at"),
            # For the admin's filters; PostgreSQL finds how a text begins by this order alone.
            models.Index(fields=("path",), name="image_path", opclasses=("varchar_pattern_ops",)),
            models.Index(fields=("owner",), name="image_owner", condition=~Q(owner="")),
            models.Index(fields=("licence",), name="image_licence", condition=~Q(licence="")),
            models.Index(
                fields=("payload_due_at", "id"),
                name="image_payload_due",
                condition=Q(payload_due_at__isnull=False),
            ),
            models.Index(
                fields=("-binned_at", "id"),
                name="image_binned",
                condition=Q(binned_at__isnull=False),
            ),
            models.Index(
                fields=("held_at",), name="image_held", condition=Q(held_at__isnull=False)
            ),
            # For comparing new images in the order that they came in.
            models.Index(
                fields=("created_at",),
                name="image_never_indexed",
                condition=Q(status="queued", indexed_at__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return self.title or self.sha256[:12]

    def get_absolute_url(self) -> str:
        """Return the address of the image's own page."""
        return image_address("catalog:image", self.pk)

    @property
    def is_medium_suggested(self) -> bool:
        """Whether the medium was told from the picture, and nobody has said it."""
        return self.medium_suggested_at is not None


class BinnedImage(Image):
    """An image in the bin, for a page of its own in the admin."""

    class Meta:
        proxy = True
        default_permissions = ()
        ordering = ("-binned_at", "id")
        verbose_name = _("image in the bin")
        verbose_name_plural = _("images in the bin")


class HeldImage(Image):
    """An image held for review, for a page of its own in the admin."""

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = _("image held for review")
        verbose_name_plural = _("images held for review")


class CopyCheck(models.Model):
    """What becomes of a new image if it is a copy of another, and what has become of it (ADR 30).

    ``waiting → held | refused``, and then ``taken in`` or ``refused`` as people decide; one that
    is no copy has no row any more. Made together with the image, so that none is found unchecked.
    """

    class Policy(models.TextChoices):
        HOLD = "hold", _("hold for review")
        REFUSE = "refuse", _("refuse")

    class State(models.TextChoices):
        WAITING = "waiting", _("to be compared")
        HELD = "held", _("held for review")
        REFUSED = "refused", _("refused")
        TAKEN_IN = "taken in", _("taken in")

    # In these its image is kept from searches.
    KEPT_BACK = (State.WAITING, State.HELD)

    class Rung(models.TextChoices):
        NEAR_IDENTICAL = "near-identical", _("same picture")
        EDITED_COPY = "edited-copy", _("edited copy")

    image = models.OneToOneField(Image, on_delete=models.CASCADE, related_name="copy_check")
    policy = models.CharField(max_length=10, choices=Policy)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    # The import that brought it, and how its source calls the file.
    import_id = models.UUIDField()
    file_name = models.CharField(max_length=1000)
    # None while it waits, and once the other image is deleted for good.
    copy_of = models.ForeignKey(Image, null=True, on_delete=models.SET_NULL, related_name="+")
    rung = models.CharField(_("verdict"), max_length=20, choices=Rung, blank=True)

    class Meta:
        default_permissions = ()
        indexes = (models.Index(fields=("state", "id"), name="copy_check_state"),)

    def __str__(self) -> str:
        return f"{self.file_name}: {self.state}"


class Occurrence(models.Model):
    """Where else the file of an image was met, and what it was called there.

    The first is in the image's own row.
    """

    image = models.ForeignKey(
        Image, on_delete=models.CASCADE, related_name="occurrences", verbose_name=_("image")
    )
    source = models.CharField(_("source"), max_length=1000, blank=True)
    path = models.CharField(_("path"), max_length=1000, blank=True)
    title = models.CharField(_("title"), max_length=300, blank=True)
    external_id = models.CharField(_("external id"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("added"), auto_now_add=True)

    class Meta:
        verbose_name = _("further occurrence")
        verbose_name_plural = _("further occurrences")
        ordering = ("id",)

    def __str__(self) -> str:
        return self.path or self.title


class ImageText(models.Model):
    """The words that an image is found by; written by triggers alone (`catalog.text_search`)."""

    image = models.OneToOneField(Image, on_delete=models.CASCADE, related_name="text")
    words = models.TextField()
    tags = models.TextField()

    def __str__(self) -> str:
        return f"{self.words} {self.tags}"


class Region(models.Model):
    """A part of an image that has an embedding of its own: one vector point each.

    The box is half-open, ``x0 ≤ x < x1``, in pixels of the upright original. All but objects have a
    PDQ hash, 32 bytes, and its quality, 0..100.
    """

    class Kind(models.TextChoices):
        FULL_IMAGE = regions.FULL_IMAGE, _("whole picture")
        PANEL = regions.PANEL, _("panel")
        OBJECT = regions.OBJECT, _("object")

    image = models.ForeignKey(
        Image, on_delete=models.CASCADE, related_name="regions", verbose_name=_("image")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    ordinal = models.PositiveSmallIntegerField(_("number"))
    x0 = models.PositiveIntegerField()
    y0 = models.PositiveIntegerField()
    x1 = models.PositiveIntegerField()
    y1 = models.PositiveIntegerField()
    label = models.CharField(_("label"), max_length=MAX_LABEL_CHARS, blank=True)
    confidence = models.FloatField(_("confidence"), default=1.0)
    pdq = models.BinaryField(_("PDQ hash"), max_length=32, null=True)
    pdq_quality = models.PositiveSmallIntegerField(_("quality of the PDQ hash"), default=0)

    class Meta:
        verbose_name = _("region")
        verbose_name_plural = _("regions")
        ordering = ("image", "kind", "ordinal")
        indexes = (
            models.Index(fields=("label", "image"), name="region_label", condition=~Q(label="")),
        )
        constraints = (
            models.UniqueConstraint(fields=("image", "kind", "ordinal"), name="region_unique"),
            models.CheckConstraint(
                condition=Q(x0__lt=F("x1"), y0__lt=F("y1")), name="region_box_not_empty"
            ),
            models.CheckConstraint(
                condition=Q(confidence__gte=0, confidence__lte=1), name="region_confidence_0_1"
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.ordinal}"

    @property
    def key(self) -> RegionKey:
        """Which part of its image this is."""
        return region_key(self.kind, self.ordinal)


class EncoderVersion(models.Model):
    """Which weights and which preprocessing filled a collection, and what found the objects in it.

    ``building → live → retired``; one is live. Embeddings of two versions are never compared.
    The first is live from the transaction that records it; only a later one, whose collection is
    filled beside the live one, will be seen building.
    ``detector`` is empty until the workers have chosen one. ``probe`` is the embedding of a fixed
    picture, (dim,) float32: what is loaded later must give it again. It and ``precision`` are
    empty in versions of an earlier release until the workers have recorded them.
    """

    class State(models.TextChoices):
        BUILDING = "building", _("building")
        LIVE = "live", _("live")
        RETIRED = "retired", _("retired")

    encoder = models.CharField(_("encoder"), max_length=100)
    choice = models.CharField(
        _("loaded as"), max_length=500, help_text=_("The name that the workers load it by.")
    )
    weights = models.CharField(_("weights"), max_length=500)
    weights_sha256 = models.CharField(_("SHA-256 of the weights"), max_length=64)
    preprocessing_sha256 = models.CharField(_("SHA-256 of the preprocessing"), max_length=64)
    dim = models.PositiveIntegerField(_("dimension"))
    precision = models.CharField(
        _("number format"), max_length=20, blank=True, help_text=_("What the network computes in.")
    )
    probe = models.BinaryField(null=True)
    # None until the workers have found it out.
    knows_words = models.BooleanField(_("knows words"), null=True)
    collection = models.CharField(_("collection"), max_length=200, unique=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.BUILDING)
    reason = models.TextField(_("why this one"), blank=True)
    detector = models.CharField(
        _("detector"), max_length=500, blank=True, help_text=_("What finds the objects.")
    )
    detector_weights_sha256 = models.CharField(
        _("SHA-256 of the detector's weights"), max_length=64, blank=True
    )
    detector_reason = models.TextField(_("why this detector"), blank=True)
    calibration = models.JSONField(
        _("calibration"),
        null=True,
        blank=True,
        help_text=_("What a score means: thresholds, and the curve they are from."),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("encoder version")
        verbose_name_plural = _("encoder versions")
        ordering = ("-created_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("state",), condition=Q(state="live"), name="encoder_version_one_live"
            ),
        )

    def __str__(self) -> str:
        return self.collection


class BulkEdit(models.Model):
    """One change or export of many images: a set that was fixed when it was asked for.

    ``asked → running → done | cancelled``; one that nobody confirms is removed by the sweep after a
    day, one that is cancelled leaves the rest as it was. Of ``total`` images, ``done`` are changed
    and ``gone`` were not there any more: deleted, moved to or out of the bin, decided about, or now
    private to others. ``arguments`` are as `catalog.services.bulk_edits` has them for each kind.
    """

    class Kind(models.TextChoices):
        BIN = "bin", _("Move to the bin")
        RESTORE = "restore", _("Restore")
        PURGE = "purge", _("Delete for good")
        TAKE_IN = "take_in", _("Take in")
        REFUSE = "refuse", _("Refuse")
        REINDEX = "reindex", _("Describe and index again")
        ADD_TAGS = "add_tags", _("Add tags")
        REMOVE_TAGS = "remove_tags", _("Remove tags")
        ADD_ALBUMS = "add_albums", _("Add to albums")
        REMOVE_ALBUMS = "remove_albums", _("Take out of albums")
        SET_MEDIUM = "set_medium", _("Set the medium")
        SET_TITLE = "set_title", _("Set the title")
        REPLACE_IN_TITLE = "replace_in_title", _("Replace in the title")
        SET_OWNER = "set_owner", _("Set the owner")
        SET_LICENCE = "set_licence", _("Set the licence")
        EXPORT = "export", _("Export")

    class State(models.TextChoices):
        ASKED = "asked", _("to be confirmed")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        CANCELLED = "cancelled", _("cancelled")

    kind = models.CharField(_("change"), max_length=20, choices=Kind)
    arguments = models.JSONField(_("arguments"), default=dict)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.ASKED)
    total = models.PositiveIntegerField(_("images"), default=0)
    done = models.PositiveIntegerField(_("changed"), default=0)
    gone = models.PositiveIntegerField(_("gone meanwhile"), default=0)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("started by"),
    )
    # Whether an account started it, which may be gone by now (ADR 46); else it is the system's.
    by_account = models.BooleanField(default=False, editable=False)
    job = models.ForeignKey(
        JobRecord, null=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("job")
    )
    created_at = models.DateTimeField(_("asked for"), auto_now_add=True)
    started_at = models.DateTimeField(_("started"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)

    class Meta:
        verbose_name = _("bulk edit")
        verbose_name_plural = _("bulk edits")
        ordering = ("-created_at", "-id")
        indexes = (models.Index(fields=("state", "created_at"), name="bulk_edit_state_created"),)
        constraints = (
            models.CheckConstraint(
                condition=Q(by_account=True) | Q(started_by__isnull=True),
                name="bulk_edit_by_account",
            ),
        )

    def __str__(self) -> str:
        return str(self.get_kind_display())


class BulkEditChunk(models.Model):
    """Images of a bulk edit that are still to be changed; gone with the change.

    ``image_ids`` are hex strings. A row holds hundreds, since a row an image would make asking for
    100,000 as slow as changing them.
    """

    edit = models.ForeignKey(BulkEdit, on_delete=models.CASCADE, related_name="chunks")
    image_ids = models.JSONField()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{len(self.image_ids)} of {self.edit_id}"
