"""Which images have words that a person types: full text of PostgreSQL, FTS5 of SQLite.

Triggers keep `ImageText` up to date in the transaction of each change, whoever writes: no bulk
update passes them by. Words are compared by their beginnings, without case or accents, and as they
stand: no language's endings are taken off. docs/adr/0027-words-by-triggers.md says why.
"""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration
from django.db.models import BooleanField, Q, QuerySet
from django.db.models.expressions import RawSQL

from catalog.models import Image, ImageText, Occurrence

_SQL_FOLDER = Path(__file__).with_name("sql")
_MAX_WORDS = 20
_ACCENTS = re.compile("[\u0300-\u036f]")
# How a SHA-256 begins, long enough to be hardly a word, or an id without its dashes.
_HEX = re.compile("[0-9a-f]{6,64}")
_ID_DIGITS = 32
_TRIGGER = re.compile(r"CREATE (?:CONSTRAINT )?TRIGGER (\w+)[^;]*?\bON (\w+)")
# FTS5 takes accents off letters of Latin only.
_CYRILLIC = {"ё": "е", "Ё": "Е", "й": "и", "Й": "И", "ї": "і", "Ї": "І"}
# Images that PostgreSQL is asked for by their ids, and that SQLite looks up and sorts.
_FEW, _FEW_OF_SQLITE = 1_000, 10_000
_SQLITE_IDS = "SELECT rowid FROM catalog_imagetext_fts WHERE catalog_imagetext_fts MATCH %s"
_POSTGRESQL_IDS = (
    "SELECT id FROM catalog_imagetext"
    " WHERE to_tsvector('simple', words || ' ' || tags) @@ to_tsquery('simple', %s)"
)
# Asked of an image at a time, in the order of the list, which ends once a page of it is full.
_SQLITE_IS_AMONG = (
    f"(SELECT id FROM catalog_imagetext WHERE image_id = catalog_image.id) IN ({_SQLITE_IDS})"  # noqa: S608
)
_POSTGRESQL_IS_AMONG = (
    f"catalog_image.id IN (SELECT image_id FROM catalog_imagetext WHERE id IN ({_POSTGRESQL_IDS}))"  # noqa: S608
)
_OCCURRENCES = (
    "SELECT coalesce(group_concat(path || ' ' || title || ' ' || external_id, ' '), '')"
    " FROM catalog_occurrence WHERE image_id = {row}.id"
)
_COLUMNS = ("title", "path", "owner", "creator", "external_id", "source", "description")


def matching(images: QuerySet[Image], text: str) -> QuerySet[Image]:
    """Return those of the images that have all words of a text, or words that begin so.

    Whatever is no letter and no digit stands between words. An id, or how a SHA-256 begins (six
    digits or more), is found as well. A text without any word matches none.
    """
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFC", text))[:_MAX_WORDS]
    if not words:
        return images.none()
    found = _having(words, images.db)
    digits = text.strip().replace("-", "").lower()
    if _HEX.fullmatch(digits):
        found |= Q(sha256__gte=digits, sha256__lt=f"{digits}g")
        if len(digits) == _ID_DIGITS:
            found |= Q(pk=UUID(digits))
    return images.filter(found)


def _having(words: list[str], alias: str) -> Q:
    """Return what images with these words are known by: their ids, where they are few.

    Databases cannot tell whether words are rare, and would choose the worse way for some.
    """
    # Words are letters and digits: nothing in them is an operator, once they stand in quotes.
    if connections[alias].vendor == "postgresql":
        asked = " & ".join(f"'{_without_accents(word)}':*" for word in words)
        ids = list(
            _texts(_POSTGRESQL_IDS, asked, alias).values_list("image", flat=True)[: _FEW + 1]
        )
        return Q(pk__in=ids) if len(ids) <= _FEW else _is_among(_POSTGRESQL_IS_AMONG, asked)
    asked = " AND ".join(f"({_either(word)})" for word in words)
    with connections[alias].cursor() as cursor:
        cursor.execute(f"{_SQLITE_IDS} LIMIT 1 OFFSET {_FEW_OF_SQLITE}", (asked,))
        is_common = cursor.fetchone() is not None
    if is_common:
        return _is_among(_SQLITE_IS_AMONG, asked)
    return Q(pk__in=_texts(_SQLITE_IDS, asked, alias).values("image"))


def _texts(text_ids: str, asked: str, alias: str) -> QuerySet[ImageText]:
    return ImageText.objects.using(alias).filter(pk__in=RawSQL(text_ids, (asked,)))  # noqa: S611  # our SQL


def _is_among(condition: str, asked: str) -> Q:
    return Q(RawSQL(condition, (asked,), BooleanField()))  # noqa: S611  # our SQL


def _either(word: str) -> str:
    return " OR ".join(f'"{form}"*' for form in dict.fromkeys((word, _without_accents(word))))


def _without_accents(word: str) -> str:
    bare = _ACCENTS.sub("", unicodedata.normalize("NFD", word))
    return unicodedata.normalize("NFC", bare)


def make_way(*, plan: Sequence[tuple[Migration, bool]], using: str, **_: Any) -> None:
    """Remove the triggers before the catalogue's migrations."""
    if any(migration.app_label == Image._meta.app_label for migration, _ in plan):
        remove(connections[using])


def come_back(*, using: str, **_: Any) -> None:
    """Make the triggers, and write the words of all images, where they are not there."""
    connection = connections[using]
    script = _script(connection)
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        is_missing = not set(_triggers(script)) <= _installed(cursor)
        if is_missing and {model._meta.db_table for model in (ImageText, Occurrence)} <= set(
            tables
        ):
            remove(connection)
            is_postgresql = connection.vendor == "postgresql"
            for statement in [script] if is_postgresql else script.split("\n\n"):
                cursor.execute(statement)


def remove(connection: BaseDatabaseWrapper) -> None:
    """Remove the triggers: SQLite changes a table by making another, and they name the first."""
    with connection.cursor() as cursor:
        there = _installed(cursor)
        for name, table in _triggers(_script(connection)).items():
            if name in there:
                on = f" ON {table}" if connection.vendor == "postgresql" else ""
                cursor.execute(f"DROP TRIGGER {name}{on}")


def _script(connection: BaseDatabaseWrapper) -> str:
    script = (_SQL_FOLDER / f"image_text.{connection.vendor}.sql").read_text(encoding="utf-8")
    if connection.vendor == "postgresql":
        return script
    for row in ("NEW", "catalog_image"):
        met = _OCCURRENCES.replace("{row}", row)
        words = " || ' ' || ".join([*(f"{row}.{column}" for column in _COLUMNS), f"({met})"])
        script = script.replace(f"{{words:{row}}}", _folded(words))
    names = (
        "SELECT coalesce(group_concat(name, ' '), '') FROM catalog_tag WHERE id IN"
        " (SELECT tag_id FROM catalog_image_tags WHERE image_id = catalog_imagetext.image_id)"
    )
    return script.replace("{tags}", _folded(f"({names})"))


def _folded(text: str) -> str:
    for letter, bare in _CYRILLIC.items():
        text = f"replace({text}, '{letter}', '{bare}')"
    return text


def _triggers(script: str) -> dict[str, str]:
    """Return trigger → its table."""
    return dict(_TRIGGER.findall(script))


def _installed(cursor: Any) -> set[str]:
    is_postgresql = cursor.db.vendor == "postgresql"
    cursor.execute(
        "SELECT tgname FROM pg_trigger"
        if is_postgresql
        else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    )
    return {name for (name,) in cursor.fetchall()}
