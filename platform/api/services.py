"""What may change tokens, and which kept answers count no more."""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, cast

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from api.models import ApiToken, KeptAnswer
from audit_log import services as audit_log
from audit_log.models import AuditEntry
from catalog.visibility import Viewer
from kernel.hashing import sha256_hex

# So that a secret which somebody published by mistake is found by what looks for such.
_MARK: Final = "smb_"
_SECRET_BYTES: Final = 32
_PREFIX_CHARS: Final = 10
# That it was used is written so often.
_USE_IS_WRITTEN_EVERY: Final = timedelta(minutes=10)
_ANSWERS_KEPT_FOR: Final = timedelta(hours=24)
# A request that goes on for so long has lost its process; the site answers within a minute or two.
_LOST_AFTER: Final = timedelta(minutes=10)


@transaction.atomic
def make_token(
    *, owner: Viewer, name: str, scopes: Iterable[str], expires_at: datetime | None
) -> tuple[ApiToken, str]:
    """Make a token; return it and its secret, which is kept nowhere."""
    secret = _MARK + secrets.token_urlsafe(_SECRET_BYTES)
    token = ApiToken.objects.create(
        owner=cast(User, owner),  # nobody else has permissions
        name=name,
        prefix=secret[:_PREFIX_CHARS],
        secret_sha256=hash_secret(secret),
        scopes=sorted(set(scopes)),
        expires_at=expires_at,
    )
    expires = None if expires_at is None else expires_at.isoformat()
    said = {"scopes": token.scopes, "expires_at": expires}
    audit_log.record(AuditEntry.Action.ADDED, token, actor_id=owner.pk, details=said)
    return token, secret


@transaction.atomic
def revoke_token(token: ApiToken, *, by_id: int | None) -> bool:
    """End a token for good; False where it was revoked before."""
    open_ones = ApiToken.objects.filter(pk=token.pk, revoked_at=None)
    if not open_ones.update(revoked_at=timezone.now()):
        return False
    audit_log.record(AuditEntry.Action.ENDED, token, actor_id=by_id)
    return True


def note_use(token: ApiToken) -> None:
    """Keep that a token is used, to some minutes."""
    now = timezone.now()
    old = Q(last_used_at=None) | Q(last_used_at__lt=now - _USE_IS_WRITTEN_EVERY)
    if token.last_used_at is None or token.last_used_at < now - _USE_IS_WRITTEN_EVERY:
        ApiToken.objects.filter(old, pk=token.pk).update(last_used_at=now)


def list_over_answers() -> QuerySet[KeptAnswer]:
    """Return kept answers whose day is over, and those of requests that lost their process."""
    now = timezone.now()
    is_lost = Q(status=None, created_at__lt=now - _LOST_AFTER)
    return KeptAnswer.objects.filter(is_lost | Q(created_at__lt=now - _ANSWERS_KEPT_FOR))


def expire_answers() -> int:
    """Remove kept answers that count no more; return how many."""
    removed, _ = list_over_answers().delete()
    return removed


def hash_secret(secret: str) -> str:
    """Return what is kept of a secret."""
    return sha256_hex(secret.encode(errors="replace"))
