"""What writes the audit log. Call in the transaction of what is done: both stand, or neither."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models
from django.utils import timezone, translation

from audit_log.models import AuditedImages, AuditEntry

Action = AuditEntry.Action

# Entries that one sweep removes, so that it stays short; the next one goes on.
_EXPIRED_LIMIT = 10_000
# The name of the API token whose request is answered in this thread; "" of none.
_token_name: ContextVar[str] = ContextVar("audited_token_name", default="")


@contextmanager
def one_request() -> Iterator[None]:
    """Forget at the end which token `name_token` named: a thread answers many requests."""
    before = _token_name.set("")
    try:
        yield
    finally:
        _token_name.reset(before)


def name_token(name: str) -> None:
    """Have entries of this request say that it came with the API token of this name."""
    _token_name.set(name)


def record(
    action: AuditEntry.Action,
    about: models.Model | None = None,
    *,
    actor_id: int | None,
    details: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Write an entry.

    Args:
        action: what was done.
        about: to what; it may be about to be deleted.
        actor_id: the account that did it; None is the system itself.
        details: JSON, ``{field: [old, new]}`` of an edit.
    """
    return AuditEntry.objects.create(
        action=action,
        actor_id=actor_id,
        actor_name="" if actor_id is None else _account_name(actor_id),
        token_name=_token_name.get(),
        **_about(about),
        details=dict(details or {}),
    )


def find_or_record(
    action: AuditEntry.Action,
    about: models.Model,
    *,
    actor_id: int | None,
    details: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Return the entry that says this of `about`, written now where there is none."""
    known = AuditEntry.objects.filter(
        object_id=str(about.pk), object_type=about._meta.label_lower, action=action
    )
    return known.first() or record(action, about, actor_id=actor_id, details=details)


def record_images(entry: AuditEntry, ids_by_old_value: Mapping[str, Iterable[UUID]]) -> None:
    """Add to an entry which images it is about, by what they had before; none adds nothing."""
    hexes = {old: [pk.hex for pk in ids] for old, ids in ids_by_old_value.items()}
    if filled := {old: ids for old, ids in hexes.items() if ids}:
        AuditedImages.objects.create(entry=entry, image_ids=filled)


def record_failed_login(name: str, address: str | None) -> None:
    """Write that somebody tried to log in by that name, and from where."""
    AuditEntry.objects.create(
        action=Action.LOGIN_FAILED,
        actor_name=name[:150],
        details={} if address is None else {"address": address},
    )


def delete_expired() -> int:
    """Remove some entries older than AUDIT_LOG_RETENTION_DAYS, where it is set; return how many."""
    if settings.AUDIT_LOG_RETENTION_DAYS is None:
        return 0
    limit = timezone.now() - timedelta(days=settings.AUDIT_LOG_RETENTION_DAYS)
    expired = AuditEntry.objects.filter(at__lt=limit).order_by("at")
    ids = list(expired.values_list("pk", flat=True)[:_EXPIRED_LIMIT])
    AuditEntry.objects.filter(pk__in=ids).delete()
    return len(ids)


def _account_name(account_id: int) -> str:
    account = get_user_model().objects.filter(pk=account_id).first()
    return f"#{account_id}" if account is None else account.get_username()


def _about(about: models.Model | None) -> dict[str, str]:
    if about is None:
        return {}
    with translation.override(settings.LANGUAGE_CODE):  # not of whoever happened to do it
        name = str(about)[:300]
    return {
        "object_type": about._meta.label_lower,
        "object_id": str(about.pk),
        "object_name": name,
    }
