"""What the API keeps: tokens, and answers for a day."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class ApiToken(models.Model):
    """What a program says instead of a name and password, for a part of what its owner may.

    Only the SHA-256 of the secret is kept, which is enough for one of 256 random bits; `prefix` is
    how it begins, so that people recognise it. It ends when it expires, is revoked, or its owner's
    account is closed; a token that was revoked stays as a row.
    """

    class Scope(models.TextChoices):
        SEARCH = "search", _("search")
        IMAGES_READ = "images:read", _("read images, albums and tags")
        IMAGES_WRITE = "images:write", _("add, change and delete images, albums and tags")
        IMPORTS_READ = "imports:read", _("read imports")
        IMPORTS_WRITE = "imports:write", _("start, pause, resume and cancel imports")
        SYSTEM_READ = "system:read", _("read jobs and encoder versions")
        DECISIONS_READ = "decisions:read", _("read decisions")
        DECISIONS_WRITE = "decisions:write", _("decide about pairs of images")
        WATCHES_READ = "watches:read", _("read watches and saved searches")
        WATCHES_WRITE = "watches:write", _("make, change and delete watches and saved searches")

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="api_tokens",
        verbose_name=_("owner"),
        editable=False,
    )
    name = models.CharField(_("name"), max_length=100)
    prefix = models.CharField(_("begins with"), max_length=12, editable=False)
    secret_sha256 = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(_("scopes"), default=list)
    created_at = models.DateTimeField(_("made"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, editable=False)
    # To some minutes: else every request would write.
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        default_permissions = ("add", "view", "delete")
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def is_expired(self) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= timezone.now()


class KeptAnswer(models.Model):
    """What a POST was answered, under the key that its sender gave it; for a day.

    Without a status the request is still under way.
    """

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    # A hash of what was asked.
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("token", "key"), name="kept_answer_unique"),)

    def __str__(self) -> str:
        return f"{self.key}: {self.status}"
