"""What is remembered of the ready roles; accounts and groups themselves are Django's."""

from django.contrib.auth.models import Group
from django.db import models


class Role(models.Model):
    """A ready role: which group it was made as, and what that group has been given so far.

    So that nothing is given twice: what a person took from the group stays taken. `group` is empty
    where it was deleted, or where a group of that name was there before.
    """

    name = models.CharField(max_length=50, unique=True)
    group = models.OneToOneField(Group, null=True, on_delete=models.SET_NULL, related_name="+")
    granted = models.JSONField(default=list)

    def __str__(self) -> str:
        return self.name
