"""What is kept of searches: how many there were, and nothing of what was searched for."""

from django.db import models


class SearchCount(models.Model):
    """Searches of an hour, as the web's processes write them now and then."""

    hour = models.DateTimeField(primary_key=True)
    searches = models.PositiveIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H}: {self.searches}"
