"""What is watched for new copies, what was found, and how people are told of it (ADR 41)."""

import secrets
import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from catalog.models import Album, Image
from search.models import SavedPicture, SavedSearch


def new_secret() -> str:
    """Return what a webhook's calls are signed with: 256 bits, in 43 characters."""
    return secrets.token_urlsafe(32)


class Rung(models.TextChoices):
    """How far down the ladder of verdicts a watch tells, the best first."""

    NEAR_IDENTICAL = "near-identical", _("the same picture")
    EDITED_COPY = "edited-copy", _("edited copies")
    SHARED_DESIGN = "shared-design", _("the same design or object")
    SAME_SUBJECT = "same-subject", _("the same subject")

    @property
    def below(self) -> tuple[str, ...]:
        """The rungs that a watch with this one tells of."""
        values = list(Rung.values)
        return tuple(values[: values.index(self.value) + 1])


# What one hit is called.
RUNG_NAMES = {
    Rung.NEAR_IDENTICAL: _("same picture"),
    Rung.EDITED_COPY: _("edited copy"),
    Rung.SHARED_DESIGN: _("same design or object"),
    Rung.SAME_SUBJECT: _("same subject"),
}


class Watch(models.Model):
    """A person is told when copies of the pictures of a saved search or an album arrive."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="watches",
        verbose_name=_("owner"),
    )
    saved_search = models.ForeignKey(
        SavedSearch,
        null=True,
        on_delete=models.CASCADE,
        related_name="watches",
        verbose_name=_("saved search"),
    )
    album = models.ForeignKey(
        Album, null=True, on_delete=models.CASCADE, related_name="+", verbose_name=_("album")
    )
    # Hits as far down as this one are told.
    rung = models.CharField(_("tells of"), max_length=20, choices=Rung, default=Rung.EDITED_COPY)
    by_mail = models.BooleanField(_("by e-mail"), default=False)
    # Since when it is; what was found before is not mailed.
    mail_since = models.DateTimeField(null=True)
    # Of its e-mails: that of the page on which the watch was made or last changed.
    language = models.CharField(max_length=10, default="en")
    created_at = models.DateTimeField(_("since"), auto_now_add=True)
    # Of an album: when each of its images had its look, and the last row by then of what links
    # images to albums. `watches.checks` asks again for what may have come since.
    looked_through_at = models.DateTimeField(null=True, editable=False)
    looked_through_link = models.BigIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("watch")
        verbose_name_plural = _("watches")
        default_permissions = ("view",)
        ordering = ("-created_at", "id")
        constraints = (
            models.CheckConstraint(
                condition=Q(saved_search__isnull=True, album__isnull=False)
                | Q(saved_search__isnull=False, album__isnull=True),
                name="watch_of_one",
            ),
            models.UniqueConstraint(fields=("owner", "saved_search"), name="watch_search_unique"),
            models.UniqueConstraint(fields=("owner", "album"), name="watch_album_unique"),
        )

    def __str__(self) -> str:
        return str(self.pk)  # what it watches is its owner's affair

    @property
    def name(self) -> str:
        """What is watched, for its owner."""
        if self.album is not None:
            return self.album.name
        return "" if self.saved_search is None else self.saved_search.name


class Webhook(models.Model):
    """An address that is called with what a watch finds.

    The secret is kept as it is, since each call is signed with it; its watch's owner may read it.
    """

    watch = models.OneToOneField(Watch, on_delete=models.CASCADE, related_name="webhook")
    url = models.CharField(max_length=1000)
    secret = models.CharField(max_length=100, default=new_secret)
    # It is not called with what was found before.
    created_at = models.DateTimeField(default=timezone.now)
    # Since when no call has come through; None after one that has.
    failing_since = models.DateTimeField(null=True)
    # Set by us after too long; None again by its owner.
    switched_off_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)


class Arrival(models.Model):
    """A new image that has still to be compared with what is watched; gone with its hits.

    Made in the transaction that makes its image findable for the first time.
    """

    image = models.OneToOneField(Image, on_delete=models.CASCADE, related_name="+")
    tries = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.image_id)


class Look(models.Model):
    """That a watched picture was compared with all that was there: an image, or an upload."""

    watch = models.ForeignKey(Watch, on_delete=models.CASCADE, related_name="looks")
    image = models.ForeignKey(Image, null=True, on_delete=models.CASCADE, related_name="+")
    saved_picture = models.ForeignKey(
        SavedPicture, null=True, on_delete=models.CASCADE, related_name="+"
    )
    tries = models.PositiveSmallIntegerField(default=0)
    done_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=("watch", "image"), name="look_image_unique"),
            models.UniqueConstraint(fields=("watch", "saved_picture"), name="look_saved_unique"),
        )

    def __str__(self) -> str:
        return str(self.image_id or self.saved_picture_id)


class Notice(models.Model):
    """An e-mail, or a call of a webhook, about some hits of a run.

    ``waiting → delivered | failed | dropped``; tried again with growing pauses. ``dropped`` means
    that nothing was left to tell: everything was deleted or hidden meanwhile.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("to be sent")
        DELIVERED = "delivered", _("sent")
        FAILED = "failed", _("given up")
        DROPPED = "dropped", _("nothing left to tell")

    # Sent along with each try, so that who is told twice knows it.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    # None of an e-mail.
    webhook = models.ForeignKey(
        Webhook, null=True, on_delete=models.CASCADE, related_name="notices"
    )
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    # When it is tried next; a try that runs has moved it on, so that no other begins.
    next_at = models.DateTimeField()
    # What the last try came to: HTTP's status, or the code of what failed.
    status = models.PositiveSmallIntegerField(null=True)
    error_code = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        ordering = ("-created_at", "id")
        indexes = (
            models.Index(fields=("next_at",), name="notice_waiting", condition=Q(state="waiting")),
        )

    def __str__(self) -> str:
        return str(self.pk)


class WatchHit(models.Model):
    """An image that is a copy of a watched picture, once for each of the two.

    ``is_before`` says that it was there before the picture was watched; nobody is mailed then.
    """

    watch = models.ForeignKey(Watch, on_delete=models.CASCADE, related_name="hits")
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="+")
    # What it copies: an image, or an upload of the saved search.
    watched_image = models.ForeignKey(Image, null=True, on_delete=models.CASCADE, related_name="+")
    saved_picture = models.ForeignKey(
        SavedPicture, null=True, on_delete=models.CASCADE, related_name="+"
    )
    rung = models.CharField(max_length=20, choices=Rung)
    score = models.FloatField(null=True)
    is_before = models.BooleanField(default=False)
    found_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField(null=True)
    mail = models.ForeignKey(
        Notice, null=True, on_delete=models.SET_NULL, related_name="mailed_hits"
    )
    call = models.ForeignKey(
        Notice, null=True, on_delete=models.SET_NULL, related_name="called_hits"
    )

    class Meta:
        default_permissions = ()
        ordering = ("-found_at", "-id")
        indexes = (
            models.Index(fields=("watch", "-found_at"), name="watch_hit_newest"),
            models.Index(
                fields=("watch",),
                name="watch_hit_unseen",
                condition=Q(seen_at__isnull=True, is_before=False),
            ),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("watch", "image", "watched_image"), name="watch_hit_of_image_unique"
            ),
            models.UniqueConstraint(
                fields=("watch", "image", "saved_picture"), name="watch_hit_of_saved_unique"
            ),
            models.CheckConstraint(
                condition=Q(watched_image__isnull=True, saved_picture__isnull=False)
                | Q(watched_image__isnull=False, saved_picture__isnull=True),
                name="watch_hit_copies_one",
            ),
        )

    def __str__(self) -> str:
        return str(self.pk)
