"""How points look inside Qdrant: names, payload keys, their indexes, and our filters."""

from collections.abc import Iterable, Mapping
from datetime import UTC
from uuid import UUID

from qdrant_client import models

from vectors.errors import InvalidPayload, InvalidSearch
from vectors.index import EditablePayload, Payload, PointFacts, Where

BINNED_KEY = "binned"

# Every key of a payload is a filter key, so each has an index, made before the first point: a
# filter on an unindexed key makes a graph search lose most of its hits.
PAYLOAD_INDEXES: Mapping[str, models.PayloadSchemaType] = {
    "image_id": models.PayloadSchemaType.UUID,
    "kind": models.PayloadSchemaType.KEYWORD,
    "labels": models.PayloadSchemaType.KEYWORD,
    "medium": models.PayloadSchemaType.KEYWORD,
    "tags": models.PayloadSchemaType.KEYWORD,
    "albums": models.PayloadSchemaType.KEYWORD,
    "created_at": models.PayloadSchemaType.DATETIME,
    BINNED_KEY: models.PayloadSchemaType.KEYWORD,
    "owner": models.PayloadSchemaType.KEYWORD,
    "licence": models.PayloadSchemaType.KEYWORD,
    "folders": models.PayloadSchemaType.KEYWORD,
    "side": models.PayloadSchemaType.INTEGER,
    "unsure": models.PayloadSchemaType.KEYWORD,
}
EDITABLE_KEYS = ("medium", "tags", "albums", BINNED_KEY, "owner", "licence", "folders")
# Words, since the embedded store matches no booleans. Points of earlier releases have neither, and
# are found.
_YES, _NO = "yes", "no"


def collection_name(encoder: str, version: int) -> str:
    """Return the collection that holds the regions embedded by one version of one encoder."""
    return f"regions__{encoder}__v{version}"


def payload_to_dict(payload: Payload) -> dict[str, object]:
    """Return the payload as the JSON object that the store keeps.

    Raises:
        InvalidPayload: ``created_at`` has no time zone, so its moment is unknown.
    """
    if payload.created_at.tzinfo is None:
        raise InvalidPayload(image_id=str(payload.image_id), field="created_at")
    return {
        "image_id": str(payload.image_id),
        "kind": payload.kind,
        "labels": list(payload.labels),
        **editable_to_dict(payload.editable),
        "created_at": payload.created_at.astimezone(UTC).isoformat(),
        "unsure": _YES if payload.is_unsure else _NO,
        **({} if payload.side is None else {"side": payload.side}),
    }


def editable_to_dict(payload: EditablePayload) -> dict[str, object]:
    """Return the part of a payload that people change, as the store keeps it."""
    return {
        "medium": payload.medium,
        "tags": list(payload.tags),
        "albums": list(payload.albums),
        BINNED_KEY: _YES if payload.is_binned else _NO,
        "owner": payload.owner,
        "licence": payload.licence,
        "folders": list(payload.folders),
    }


def facts_to_dict(facts: PointFacts) -> dict[str, object]:
    """Return what follows from the picture itself, as the store keeps it."""
    return {"side": facts.side, "unsure": _YES if facts.is_unsure else _NO}


def editable_of(stored: Mapping[str, object] | None) -> EditablePayload:
    """Return what a stored point carries of that part; what it lacks is empty."""
    found = stored or {}
    return EditablePayload(
        medium=str(found.get("medium", "")),
        tags=_texts(found.get("tags")),
        albums=_texts(found.get("albums")),
        is_binned=is_binned(stored),
        owner=str(found.get("owner", "")),
        licence=str(found.get("licence", "")),
        folders=_texts(found.get("folders")),
    )


def is_binned(stored: Mapping[str, object] | None) -> bool:
    """Return whether a stored point is of an image in the bin, or of one that is held."""
    return (stored or {}).get(BINNED_KEY) == _YES


def _texts(stored: object) -> tuple[str, ...]:
    return tuple(map(str, stored)) if isinstance(stored, list) else ()


def image_id_of(stored: Mapping[str, object] | None) -> UUID:
    """Return the image that a stored point belongs to.

    Raises:
        InvalidPayload: somebody else wrote this point: it names none.
    """
    try:
        return UUID(str((stored or {})["image_id"]))
    except (KeyError, ValueError) as err:
        raise InvalidPayload(detail=repr(err)) from err


def where_to_filter(where: Where | None) -> models.Filter | None:
    """Return the Qdrant filter of these conditions; None of one that every point meets.

    Raises:
        InvalidSearch: a moment has no time zone.
    """
    where = Where() if where is None else where
    wanted: dict[str, Iterable[object]] = {
        "kind": where.kinds,
        "labels": where.labels,
        "medium": where.mediums,
        "tags": where.tags,
        "albums": where.albums,
        "owner": where.owners,
        "licence": where.licences,
        "folders": where.folders,
    }
    must = [_any_of(key, values) for key, values in wanted.items() if values]
    must += _ranges(where)
    if where.point_ids:
        must.append(models.HasIdCondition(has_id=[str(one) for one in where.point_ids]))
    unwanted: dict[str, Iterable[object]] = {
        BINNED_KEY: () if where.with_binned else (_YES,),
        "unsure": () if where.with_unsure else (_YES,),
        "image_id": where.not_image_ids,
        "albums": where.not_albums,
        "medium": where.not_mediums,
    }
    must_not = [_any_of(key, values) for key, values in unwanted.items() if values]
    if not must and not must_not:
        return None
    return models.Filter(must=must or None, must_not=must_not or None)


def _ranges(where: Where) -> list[models.Condition]:
    """Return the conditions on sides and moments.

    Raises:
        InvalidSearch: a moment has no time zone.
    """
    conditions: list[models.Condition] = []
    if where.min_side is not None or where.max_side is not None:
        sides = models.Range(gte=where.min_side, lte=where.max_side)
        conditions.append(models.FieldCondition(key="side", range=sides))
    moments = [where.added_from, where.added_before]
    if any(moment is not None and moment.tzinfo is None for moment in moments):
        raise InvalidSearch(detail="a moment has no time zone")
    if any(moments):
        added = models.DatetimeRange(gte=where.added_from, lt=where.added_before)
        conditions.append(models.FieldCondition(key="created_at", range=added))
    return conditions


def images_filter(image_ids: Iterable[UUID]) -> models.Filter:
    """Return the filter that the points of these images meet."""
    return models.Filter(must=[_any_of("image_id", image_ids)])


def _any_of(key: str, values: Iterable[object]) -> models.Condition:
    match = models.MatchAny(any=[str(value) for value in values])
    return models.FieldCondition(key=key, match=match)
