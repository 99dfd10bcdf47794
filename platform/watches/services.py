"""What people do with watches: begin one, change it, look at what it found."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from catalog.models import Album
from ingestion.fetching import parse_address
from kernel.errors import ConflictError, UserInputError
from search.models import SavedSearch
from watches.models import Notice, Rung, Watch, Webhook, new_secret
from watches.selectors import is_watchable, list_hits

# Each new image is compared with what all of them watch.
MAX_WATCHES = 100


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a person wants to be told.

    Attributes:
        rung: how far down.
        by_mail: whether by e-mail, too.
        url: of a webhook; "" is none.
        language: of e-mails.
    """

    rung: Rung
    by_mail: bool
    url: str
    language: str


@transaction.atomic
def begin_watch(owner: User, of: SavedSearch | Album, wishes: Wishes) -> Watch:
    """Have a person told of copies of a saved search's pictures, or an album's.

    What is watched already is changed to what is wished now. What is there already is looked
    through once, by workers.

    Raises:
        UserInputError: "watch:user:no-picture": the search names none; "fetch:user:not-http".
        ConflictError: "watch:conflict:too-many".
    """
    check_webhook(wishes.url)
    User.objects.select_for_update().get(pk=owner.pk)  # two at once count each other
    key = {"saved_search": of} if isinstance(of, SavedSearch) else {"album": of}
    watch = Watch.objects.filter(owner=owner, **key).first()
    if watch is None:
        if isinstance(of, SavedSearch) and not is_watchable(of, owner):
            raise UserInputError("watch:user:no-picture")
        if Watch.objects.filter(owner=owner).count() >= MAX_WATCHES:
            raise ConflictError("watch:conflict:too-many", most=MAX_WATCHES)
        watch = Watch.objects.create(owner=owner, **key)
    change_watch(watch, wishes)
    return watch


@transaction.atomic
def change_watch(watch: Watch, wishes: Wishes) -> None:
    """Have a person told otherwise; a webhook keeps its secret, and begins anew.

    Raises:
        UserInputError: "fetch:user:not-http"; "request:user:not-found": it has ended meanwhile.
    """
    check_webhook(wishes.url)
    if Watch.objects.select_for_update().filter(pk=watch.pk).first() is None:
        raise UserInputError("request:user:not-found")
    if wishes.by_mail and not watch.by_mail:
        watch.mail_since = timezone.now()
    watch.rung, watch.by_mail, watch.language = wishes.rung, wishes.by_mail, wishes.language
    watch.save(update_fields=("rung", "by_mail", "mail_since", "language"))
    if not wishes.url:
        Webhook.objects.filter(watch=watch).delete()
        return
    began = {"url": wishes.url, "failing_since": None, "switched_off_at": None}
    Webhook.objects.update_or_create(watch=watch, defaults=began)


def check_webhook(url: str) -> None:
    """Refuse what is no address of the web.

    Raises:
        UserInputError: "fetch:user:not-http".
    """
    if url:
        parse_address(url)


@transaction.atomic
def renew_secret(watch: Watch) -> None:
    """Have calls be signed with another secret from now on."""
    Webhook.objects.filter(watch=watch).update(secret=new_secret())


def mark_seen(owner: User, hit_ids: list[int]) -> int:
    """Record that a person has looked at these of their hits; return how many were new."""
    hits = list_hits(owner).filter(pk__in=hit_ids, seen_at=None)
    # By key: what may be told is a question of several tables.
    ids = list(hits.order_by().values_list("pk", flat=True))
    return hits.model.objects.filter(pk__in=ids, seen_at=None).update(seen_at=timezone.now())


def mark_all_seen(owner: User, *, watch_id: UUID | None = None) -> int:
    """Record that a person has looked at all hits, or at those of a watch."""
    hits = list_hits(owner).filter(seen_at=None)
    if watch_id is not None:
        hits = hits.filter(watch=watch_id)
    ids = list(hits.order_by().values_list("pk", flat=True))
    return hits.model.objects.filter(pk__in=ids).update(seen_at=timezone.now())


def last_notices(watch: Watch, *, limit: int = 10) -> list[Notice]:
    """Return the latest calls of a watch's webhook, the newest first."""
    return list(Notice.objects.filter(webhook__watch=watch).order_by("-created_at", "pk")[:limit])
