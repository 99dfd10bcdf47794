"""Calls of webhooks: a JSON body, signed, through the client that fetches pictures."""

import hashlib
import hmac
import json
import time
from collections.abc import Sequence
from typing import Any

from django.conf import settings

from ingestion.fetching import post
from kernel.errors import UserInputError
from watches.models import Notice, WatchHit, Webhook

# How long the other side may take, all in all.
TIMEOUT_S = 10.0
_OK = range(200, 300)


def call(hook: Webhook, notice: Notice, hits: Sequence[WatchHit], *, count: int) -> int:
    """Call a webhook with hits; return the status that it answered with.

    Raises:
        UserInputError: "watch:user:status": it answered with another than 2xx; "fetch:user:…": it
            could not be reached, or may not be.
    """
    body = json.dumps(_body(hook, notice, hits, count), ensure_ascii=False).encode()
    timestamp = int(time.time())
    status = post(
        hook.url,
        body,
        headers=[
            ("Content-Type", "application/json; charset=utf-8"),
            ("Semblance-Delivery", str(notice.pk)),
            ("Semblance-Signature", f"t={timestamp},v1={sign(hook.secret, timestamp, body)}"),
        ],
        timeout_s=TIMEOUT_S,
    )
    if status not in _OK:
        raise UserInputError("watch:user:status", status=status)
    return status


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """Return the HMAC-SHA256, in hex, of the timestamp, a full stop and the body."""
    signed = str(timestamp).encode() + b"." + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def _body(hook: Webhook, notice: Notice, hits: Sequence[WatchHit], count: int) -> dict[str, Any]:
    watch = hook.watch
    return {
        "event": "watch.hits",
        "delivery": str(notice.pk),
        "watch": {"id": str(watch.pk), "name": watch.name},
        "count": count,
        "hits": [_hit(hit) for hit in hits],
    }


def _hit(hit: WatchHit) -> dict[str, Any]:
    watched = hit.watched_image
    return {
        "id": hit.pk,
        "found_at": hit.found_at.isoformat(),
        "verdict": hit.rung,
        "score": hit.score,
        "image": {
            "id": str(hit.image_id),
            "title": str(hit.image),
            "url": f"{settings.SITE_URL or ''}/images/{hit.image_id}/",
        },
        "copy_of": None if watched is None else {"id": str(watched.pk), "title": str(watched)},
    }
