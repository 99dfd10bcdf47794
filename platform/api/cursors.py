"""Pages of a list, each from where the one before ended: what is added meanwhile shifts nothing."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet
from django.utils.dateparse import parse_datetime

from kernel.errors import UserInputError

Row = TypeVar("Row", bound=Model)
_MAX_ID = 2**63 - 1


def page_of(
    rows: QuerySet[Row], cursor: str, limit: int, *, moment: str = "created_at"
) -> tuple[list[Row], str | None]:
    """Return a page of rows, the newest first, and the cursor of the next one; None at the end.

    Args:
        rows: all of them, in any order.
        cursor: of the page; "" is the first.
        limit: rows of a page.
        moment: the column that they are ordered by, and then by their primary key.

    Raises:
        UserInputError: "request:user:bad-cursor".
    """
    ordered = rows.order_by(f"-{moment}", "pk")
    if cursor:
        at, pk = _read(cursor, rows.model)
        after = Q(**{f"{moment}__lt": at}) | Q(**{moment: at, "pk__gt": pk})
        ordered = ordered.filter(after, **{f"{moment}__lte": at})  # the index goes by this one
    found = list(ordered[: limit + 1])
    page = found[:limit]
    return page, _next_cursor(page, moment) if len(found) > limit else None


def page_by_id(rows: QuerySet[Row], cursor: str, limit: int) -> tuple[list[Row], str | None]:
    """Return a page of rows in the order that they were made; see `page_of`.

    Raises:
        UserInputError: "request:user:bad-cursor".
    """
    ordered = rows.order_by("pk")
    if cursor:
        ordered = ordered.filter(pk__gt=_read_id(cursor))
    found = list(ordered[: limit + 1])
    page = found[:limit]
    return page, _encoded([page[-1].pk]) if len(found) > limit else None


def _next_cursor(page: Sequence[Model], moment: str) -> str:
    last = page[-1]
    at: datetime = getattr(last, moment)
    return _encoded([at.isoformat(), str(last.pk)])


def _encoded(values: Sequence[object]) -> str:
    return urlsafe_b64encode(json.dumps(values).encode()).decode()


def _read_id(cursor: str) -> int:
    try:
        (pk,) = json.loads(urlsafe_b64decode(cursor.encode()))
    except (ValueError, TypeError) as error:
        raise UserInputError("request:user:bad-cursor") from error
    if not isinstance(pk, int) or not 0 <= pk <= _MAX_ID:
        raise UserInputError("request:user:bad-cursor")
    return pk


def _read(cursor: str, model: type[Model]) -> tuple[datetime, object]:
    try:
        at, pk = json.loads(urlsafe_b64decode(cursor.encode()))
        moment = _utc(parse_datetime(at))
        key: object = UUID(pk) if model._meta.pk.get_internal_type() == "UUIDField" else int(pk)
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise UserInputError("request:user:bad-cursor") from error
    is_key = isinstance(key, UUID) or (isinstance(key, int) and 0 <= key <= _MAX_ID)
    if moment is None or not is_key:
        raise UserInputError("request:user:bad-cursor")
    return moment, key


def _utc(moment: datetime | None) -> datetime | None:
    """Return a moment as databases have it, None where it names no zone.

    Raises:
        OverflowError: it lies outside of the calendar there.
    """
    return None if moment is None or moment.tzinfo is None else moment.astimezone(UTC)
