"""Log-ins, as Django tells of them."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.module_loading import import_string

from audit_log.models import AuditEntry
from audit_log.services import record, record_failed_login


@receiver(user_logged_in)
def _logged_in(user: AbstractBaseUser, **_: Any) -> None:
    record(AuditEntry.Action.LOGGED_IN, user, actor_id=user.pk)


@receiver(user_logged_out)
def _logged_out(user: AbstractBaseUser | None, **_: Any) -> None:
    if user is not None:
        record(AuditEntry.Action.LOGGED_OUT, user, actor_id=user.pk)


@receiver(user_login_failed)
def _login_failed(
    credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any
) -> None:
    """Record who had a try; who has none left, until the pause is over, would only fill the log."""
    if getattr(request, "axes_locked_out", False):
        return
    address = import_string(settings.AXES_CLIENT_IP_CALLABLE)
    record_failed_login(
        str(credentials.get("username", "")), None if request is None else address(request)
    )
