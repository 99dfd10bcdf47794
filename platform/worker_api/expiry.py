"""Rows whose time is over, and that nothing else removes."""

from importlib import import_module

from django.conf import settings

from api.services import expire_answers


def expire_rows() -> int:
    """Remove answers that the API kept for a day, and log-ins that ended; return how many answers.

    Django removes no session by itself but those that people log out of.
    """
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    return expire_answers()
