"""What is kept of searches: how many there were, and those that a person saved."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from catalog.models import Image


class SearchCount(models.Model):
    """Searches of an hour, as the web's processes write them now and then."""

    hour = models.DateTimeField(primary_key=True)
    searches = models.PositiveIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H}: {self.searches}"


class SavedSearch(models.Model):
    """A search that a person saved: its address, as it was, under a name.

    ``address`` is the query of the search page's address. Uploads that it names lie apart from
    those that expire, as long as any saved search names them (`search.query_files`, ADR 40).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="saved_searches",
        verbose_name=_("owner"),
    )
    name = models.CharField(_("name"), max_length=200)
    address = models.TextField(_("address"))
    created_at = models.DateTimeField(_("saved"), auto_now_add=True)

    class Meta:
        verbose_name = _("saved search")
        verbose_name_plural = _("saved searches")
        default_permissions = ("view",)
        ordering = ("-created_at", "id")
        indexes = (models.Index(fields=("owner", "-created_at"), name="saved_search_owner"),)

    def __str__(self) -> str:
        return str(self.pk)  # its name is its owner's affair

    def get_absolute_url(self) -> str:
        """Return the address of the search."""
        return f"{reverse('search:page')}?{self.address}"


class SavedPicture(models.Model):
    """A picture that a saved search names: an upload that is kept for it, or an image."""

    search = models.ForeignKey(SavedSearch, on_delete=models.CASCADE, related_name="pictures")
    query_id = models.UUIDField(null=True, db_index=True)
    image = models.ForeignKey(Image, null=True, on_delete=models.CASCADE, related_name="+")
    # Whether it is asked for pictures that are *not* like it.
    is_unlike = models.BooleanField(default=False)

    class Meta:
        default_permissions = ()
        ordering = ("id",)
        constraints = (
            models.CheckConstraint(
                condition=Q(query_id__isnull=True, image__isnull=False)
                | Q(query_id__isnull=False, image__isnull=True),
                name="saved_picture_is_one",
            ),
        )

    def __str__(self) -> str:
        return str(self.query_id or self.image_id)
