from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AuditLogConfig(AppConfig):
    name = "audit_log"
    verbose_name = _("Audit log")

    def ready(self) -> None:
        """Be told of log-ins, which Django says to nobody else."""
        from audit_log import logins  # noqa: F401  # after all models
