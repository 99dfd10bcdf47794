"""E-mails about new hits: words alone, in the language that the person chose."""

import smtplib
from collections.abc import Sequence

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.utils import translation
from django.utils.translation import gettext, ngettext

from kernel.errors import TransientError
from watches.models import RUNG_NAMES, Rung, WatchHit

_NAME_CHARS = 80
# The address of `watches.urls`, which processes without pages do not know; a test compares them.
PATH = "/watches/"


def is_configured() -> bool:
    """Return whether this site sends e-mails: it knows how, and its own address."""
    return bool(settings.EMAIL_HOST and settings.SITE_URL)


def is_possible_for(owner: User) -> bool:
    """Return whether a person can be sent e-mails."""
    try:
        validate_email(owner.email)
    except ValidationError:
        return False
    return is_configured()


def send(owner: User, hits: Sequence[WatchHit], *, count: int) -> None:
    """Send a person one e-mail about hits.

    Args:
        owner: the person.
        hits: those that are named, at least one.
        count: how many there are.

    Raises:
        TransientError: "mail:transient:unavailable": the server is away, or refused it.
    """
    with translation.override(hits[0].watch.language):
        message = EmailMessage(
            subject=_subject(count),
            body=_body(hits, count),
            from_email=settings.DEFAULT_FROM_EMAIL,
            to=[owner.email],
            # So that nobody's absence is answered to a program.
            headers={"Auto-Submitted": "auto-generated"},
        )
        try:
            message.send()
        except (OSError, smtplib.SMTPException) as error:
            raise TransientError("mail:transient:unavailable", reason=repr(error)) from error


def one_line(text: str) -> str:
    """Return a name that somebody else chose as a short line of printable characters."""
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return line if len(line) <= _NAME_CHARS else f"{line[: _NAME_CHARS - 1]}…"


def _subject(count: int) -> str:
    # Names stay out of it: it is shown on locked screens.
    return ngettext(
        "Semblance: %(count)d new copy of what you watch",
        "Semblance: %(count)d new copies of what you watch",
        count,
    ) % {"count": count}


def _body(hits: Sequence[WatchHit], count: int) -> str:
    lines = []
    watch = None
    for hit in hits:
        if hit.watch != watch:
            watch = hit.watch
            lines += ["", f"{one_line(watch.name)}:"]
        rung = RUNG_NAMES[Rung(hit.rung)]
        lines.append(f"  {one_line(str(hit.image))} ({rung})")
    if count > len(hits):
        more = count - len(hits)
        lines += ["", ngettext("and %(count)d more", "and %(count)d more", more) % {"count": more}]
    address = f"{settings.SITE_URL}{PATH}"
    return "\n".join(
        (
            gettext("New pictures are like those that you watch."),
            *lines,
            "",
            gettext("See and compare them: %(address)s") % {"address": address},
            gettext("There you also choose what you are told of, and how."),
            "",
        )
    )
