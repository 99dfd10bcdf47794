"""People are told of new hits: an e-mail a run and person, a call a run and webhook (ADR 41).

A notice is a row before anything is sent, and so is each hit's part in it: a process that dies
sends late, or in the worst moment twice, and nothing is lost. What may be told is asked again at
each try. A webhook that failed for as long as a notice is tried is switched off.
"""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.db import Error, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from catalog.selectors import are_more_waiting_than
from kernel.errors import AppError, DefectError
from watches import mail, webhooks
from watches.checks import is_some_arrival_ready
from watches.models import Notice, WatchHit, Webhook
from watches.selectors import list_hits

logger = logging.getLogger(__name__)

# A run ends, for a person, when nothing was found for so long, or after so long all the same.
QUIET_FOR, TOLD_AFTER = timedelta(seconds=60), timedelta(minutes=15)
# Pauses between tries; after the last a notice is given up, two days after the first.
PAUSES = tuple(
    timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 3 * 60, 8 * 60, 12 * 60, 24 * 60)
)
# No try takes longer; then another process may try.
_LEASE = timedelta(minutes=5)
# Hits that a notice tells; it says how many more there are.
MAX_TOLD = 50
# Notices that one round sends, so that it stays short; the next one goes on.
_SENT_AT_ONCE = 50
_KEPT_FOR = timedelta(days=30)

State = Notice.State


def tell() -> int:
    """Make notices of hits that nobody was told of, and send what is due; return how many."""
    make_notices()
    _forget_old()
    now = timezone.now()
    due = Notice.objects.filter(state=State.WAITING, next_at__lte=now).order_by("next_at", "pk")
    sent = 0
    for notice in due.select_related("owner", "webhook__watch")[:_SENT_AT_ONCE]:
        sent += _claim(notice) and _send(notice)
    return sent


@transaction.atomic
def make_notices() -> list[Notice]:
    """Make notices of hits whose run is over; those that may not be told just now wait."""
    made = []
    is_wished = Q(watch__by_mail=True, found_at__gte=F("watch__mail_since"))
    for owner, hits in _untold(Q(mail=None) & is_wished):
        if mail.is_possible_for(owner):
            made.append(_notice(owner, hits, None))
    has_webhook = Q(
        watch__webhook__switched_off_at=None, found_at__gte=F("watch__webhook__created_at")
    )
    for owner, hits in _untold(Q(call=None) & has_webhook):
        by_watch: dict[UUID, list[WatchHit]] = {}
        for hit in hits:
            by_watch.setdefault(hit.watch_id, []).append(hit)
        made += [_notice(owner, some, some[0].watch.webhook) for some in by_watch.values()]
    return made


def _untold(condition: Q) -> Iterable[tuple[User, list[WatchHit]]]:
    """Return people, and the new hits of theirs that they can be told of now."""
    now = timezone.now()
    waiting = WatchHit.objects.filter(condition, is_before=False).order_by()
    for owner_id in waiting.values_list("watch__owner", flat=True).distinct():
        owner = User.objects.get(pk=owner_id)
        own = list_hits(owner).filter(condition, is_before=False, watch__owner__is_active=True)
        own = own.select_related("watch__webhook").order_by("pk")
        # Of two processes one makes the notice; what is locked is asked for once more.
        hits = list(own.select_for_update(of=("self",))) if _is_over(own, now) else []
        if hits:
            yield owner, hits


def _is_over(hits: QuerySet[WatchHit], now: datetime) -> bool:
    moments = list(hits.order_by("found_at").values_list("found_at", flat=True))
    if not moments:
        return False
    # Pictures that wait to be indexed are of a run that goes on.
    is_at_work = is_some_arrival_ready() or are_more_waiting_than(0)
    is_quiet = moments[-1] <= now - QUIET_FOR and not is_at_work
    return is_quiet or moments[0] <= now - TOLD_AFTER


def _notice(owner: User, hits: list[WatchHit], webhook: Webhook | None) -> Notice:
    notice = Notice.objects.create(owner=owner, webhook=webhook, next_at=timezone.now())
    field = "mail" if webhook is None else "call"
    WatchHit.objects.filter(pk__in=[hit.pk for hit in hits]).update(**{field: notice})
    return notice


def _claim(notice: Notice) -> bool:
    """Take a notice for this process alone; False where another one has it."""
    waiting = Notice.objects.filter(pk=notice.pk, state=State.WAITING, next_at=notice.next_at)
    return bool(waiting.update(next_at=timezone.now() + _LEASE, tries=F("tries") + 1))


def _send(notice: Notice) -> bool:
    """Send a notice that this process holds; return whether it came through."""
    notice.refresh_from_db(fields=("tries", "next_at"))
    hook = notice.webhook
    if hook is not None and hook.switched_off_at is not None:
        _end(notice, State.FAILED, error_code="watch:user:switched-off")
        return False
    hits = _told_by(notice)
    count = hits.count()
    shown = list(hits[:MAX_TOLD])
    if not shown or not notice.owner.is_active:
        _end(notice, State.DROPPED)
        return False
    try:
        if hook is None:
            mail.send(notice.owner, shown, count=count)
        else:
            notice.status = webhooks.call(hook, notice, shown, count=count)
    except AppError as error:
        notice.status = error.context.get("status")  # type: ignore[assignment]
        _failed(notice, error)
        return False
    except Error:  # SQL is away: the notice is tried again when its lease is over
        raise
    except Exception:  # a defect, of one notice: the others are sent, and this one ends some day
        logger.exception("notice failed", extra={"notice_id": str(notice.pk)})
        _failed(notice, DefectError("request:ours:failed"))
        return False
    _end(notice, State.DELIVERED)
    if hook is not None:
        Webhook.objects.filter(pk=hook.pk).update(failing_since=None)
    return True


def _told_by(notice: Notice) -> QuerySet[WatchHit]:
    """Return the hits of a notice that its person may still be told of, the first found first."""
    hits = list_hits(notice.owner).filter(Q(mail=notice) | Q(call=notice))
    related = ("watch__album", "watch__saved_search", "image", "watched_image")
    return hits.select_related(*related).order_by("pk")


def _failed(notice: Notice, error: AppError) -> None:
    """Try again after a pause; after the last one give up, and switch its webhook off."""
    logger.warning(
        "notice was not sent",
        extra={"notice_id": str(notice.pk), "code": error.code, "tries": notice.tries},
    )
    now, hook = timezone.now(), notice.webhook
    if hook is not None:
        Webhook.objects.filter(pk=hook.pk, failing_since=None).update(failing_since=now)
    if notice.tries <= len(PAUSES):
        Notice.objects.filter(pk=notice.pk).update(
            next_at=now + PAUSES[notice.tries - 1],
            error_code=error.code,
            status=notice.status,
        )
        return
    _end(notice, State.FAILED, error_code=error.code)
    if hook is not None:
        Webhook.objects.filter(pk=hook.pk, switched_off_at=None).update(switched_off_at=now)


def _end(notice: Notice, state: Notice.State, *, error_code: str = "") -> None:
    Notice.objects.filter(pk=notice.pk).update(
        state=state, error_code=error_code, status=notice.status, ended_at=timezone.now()
    )


def _forget_old() -> None:
    Notice.objects.filter(ended_at__lt=timezone.now() - _KEPT_FOR).delete()
